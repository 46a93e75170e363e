"""flask-sse as its quick start has it, under gunicorn's gevent worker. Publishers send `{"data": …, "id": …}`."""

import os

from flask import Flask
from flask_sse import sse

app = Flask(__name__)
app.config["REDIS_URL"] = os.environ["REDIS_URL"]
app.register_blueprint(sse, url_prefix="/stream")


@app.get("/page")
def page() -> str:
    return "ok"

"""The simulator inside the test process, and what a worker does with what was rung for."""

from pathlib import Path
from typing import Any

from flask import Flask


def plug_in(app: Flask, folder: Path, clip: Path) -> Any:
    """Let `app` render with a simulator that serves `clip` at once; returns the simulator, to be told faults."""
    from aivideo.providers.simulator import SimulatorAdapter, create_simulator
    from aivideo.providers.sora import SoraClient

    sold = app.extensions["catalogue"]
    simulator = create_simulator(folder / "simulator", render_seconds=0, clip=clip, catalogue=sold)
    app.extensions["provider"] = SoraClient(
        "http://simulator.invalid/v1", "", name="simulator", adapter=SimulatorAdapter(simulator)
    )
    return simulator


def time_passes(seconds: float) -> None:
    """Move every moment in the database into the past, as far as `seconds` would."""
    from datetime import timedelta

    from sqlalchemy import select

    from aivideo.extensions import UtcDateTime, db
    from aivideo.models import Attempt, Gate, Lease, Video
    from aivideo.transaction import transaction

    db.session.rollback()
    with transaction() as session:
        for model in (Video, Attempt, Gate, Lease):
            moments = [column.key for column in model.__table__.columns if isinstance(column.type, UtcDateTime)]
            for row in session.scalars(select(model).execution_options(populate_existing=True)):
                for name in moments:
                    if getattr(row, name) is not None:
                        setattr(row, name, getattr(row, name) - timedelta(seconds=seconds))


def work_off(app: Flask, before: Any = None) -> None:
    """What ticker and workers do: recover, then run every job that was rung for."""
    from rq.job import Job
    from rq.serializers import JSONSerializer

    from aivideo.queue import QUEUES
    from aivideo.services import videos

    videos.recover()
    client = app.extensions["doorbell"].client
    for name in QUEUES:
        while job_id := client.lpop(f"rq:queue:{name}"):
            job = Job.fetch(job_id.decode(), connection=client, serializer=JSONSerializer)
            if before is not None:
                before(job)
            job.func(*job.args)

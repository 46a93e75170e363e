"""frame rate of a video's clip

Revision ID: 8f1d2c6a4b90
Revises: 3cde22002823
Create Date: 2026-11-25 17:28:00.000000

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '8f1d2c6a4b90'
down_revision = '3cde22002823'
branch_labels = None
depends_on = None


def upgrade():
    op.add_column('videos', sa.Column('fps', sa.Double(), nullable=True))


def downgrade():
    # Not by batch_alter_table: that makes the table anew, and dropping the old one takes along what refers to it.
    op.execute('ALTER TABLE videos DROP COLUMN fps')

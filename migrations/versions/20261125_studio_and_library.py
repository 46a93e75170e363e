"""studio and library

Revision ID: 3cde22002823
Revises: 49c64b663a87
Create Date: 2026-11-25 17:12:50.822122

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '3cde22002823'
down_revision = '49c64b663a87'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('pinned_prompts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('prompt', sa.Text(), nullable=False),
    sa.Column('prompt_hash', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_pinned_prompts_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pinned_prompts')),
    sa.UniqueConstraint('user_id', 'prompt_hash', name=op.f('uq_pinned_prompts_user_id_prompt_hash'))
    )
    op.create_table('sign_ins',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('browser', sa.String(length=255), nullable=False),
    sa.Column('address', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_sign_ins_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_ins')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_sign_ins_token_hash'))
    )
    with op.batch_alter_table('sign_ins', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sign_ins_user_id'), ['user_id'], unique=False)

    op.create_table('notices',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('video_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('shown_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('mail_due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('mailed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_notices_user_id_users'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['video_id'], ['videos.id'], name=op.f('fk_notices_video_id_videos'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notices')),
    sa.UniqueConstraint('video_id', 'kind', name=op.f('uq_notices_video_id_kind'))
    )
    with op.batch_alter_table('notices', schema=None) as batch_op:
        batch_op.create_index('ix_notices_mail_due', ['mail_due_at'], unique=False)
        batch_op.create_index('ix_notices_user_shown', ['user_id', 'shown_at'], unique=False)

    with op.batch_alter_table('users', schema=None) as batch_op:
        batch_op.add_column(sa.Column('notify_email', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('notify_browser', sa.Boolean(), server_default=sa.false(), nullable=False))

    with op.batch_alter_table('videos', schema=None) as batch_op:
        batch_op.add_column(sa.Column('picture_fit', sa.String(length=16), server_default='crop', nullable=False))
        batch_op.add_column(sa.Column('picture_focus', sa.Double(), server_default='0.5', nullable=False))
        batch_op.add_column(sa.Column('expected_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('title', sa.String(length=120), nullable=True))
        batch_op.add_column(sa.Column('favourite', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('poster_at', sa.Double(), nullable=True))
        batch_op.add_column(sa.Column('preview_name', sa.String(length=200), nullable=True))
        batch_op.create_index('ix_videos_model_ended', ['model', 'completed_at'], unique=False)

    # SQLite could add the foreign key later only by making the table anew, and dropping the old one would take all
    # that refers to it along.
    constraint = op.f('fk_videos_extended_from_id_videos')
    if op.get_bind().dialect.name == 'sqlite':
        op.execute(f'ALTER TABLE videos ADD COLUMN extended_from_id INTEGER CONSTRAINT {constraint} REFERENCES videos (id)')
    else:
        op.add_column('videos', sa.Column('extended_from_id', sa.Integer(), nullable=True))
        op.create_foreign_key(constraint, 'videos', 'videos', ['extended_from_id'], ['id'])



def downgrade():
    op.drop_index('ix_videos_model_ended', 'videos')
    # Not by batch_alter_table: that makes the table anew, and dropping the old one takes along what refers to it.
    for column in ('expected_at', 'preview_name', 'poster_at', 'favourite', 'title', 'extended_from_id', 'picture_focus',
                   'picture_fit'):
        op.execute(f'ALTER TABLE videos DROP COLUMN {column}')
    for column in ('notify_browser', 'notify_email'):
        op.execute(f'ALTER TABLE users DROP COLUMN {column}')
    op.drop_table('notices')
    op.drop_table('sign_ins')
    op.drop_table('pinned_prompts')

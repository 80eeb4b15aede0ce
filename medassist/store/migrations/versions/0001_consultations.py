"""Consultations with their turns, and drafts."""

import sqlalchemy as sa
from alembic import op

revision = "0001_consultations"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "consultation",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("case_json", sa.Text, nullable=False),
        sa.Column("case_text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consultation"),
    )
    op.create_index("ix_consultation_created_at", "consultation", ["created_at"])
    op.create_table(
        "turn",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("consultation_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("engine", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("adapter", sa.Text),
        sa.Column("prompt_version", sa.Text, nullable=False),
        sa.Column("knowledge_version", sa.Text),
        sa.Column("decoding", sa.JSON, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("raw", sa.Text, nullable=False),
        sa.Column("result", sa.JSON),
        sa.PrimaryKeyConstraint("id", name="pk_turn"),
        sa.ForeignKeyConstraint(
            ["consultation_id"], ["consultation.id"], name="fk_turn_consultation_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("consultation_id", "position", name="uq_turn_consultation_id_position"),
    )
    op.create_index("ix_turn_status_updated_at", "turn", ["status", "updated_at"])
    op.create_table(
        "draft",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_draft"),
    )


def downgrade() -> None:
    op.drop_table("draft")
    op.drop_table("turn")
    op.drop_table("consultation")

"""What pulled an answer towards its diagnoses, one explanation to an answer."""

import sqlalchemy as sa
from alembic import op

revision = "0003_explanations"
down_revision = "0002_audit_and_cache"


def upgrade() -> None:
    op.create_table(
        "explanation",
        sa.Column("turn_id", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("turn_id", name="pk_explanation"),
        sa.ForeignKeyConstraint(["turn_id"], ["turn.id"], name="fk_explanation_turn_id", ondelete="CASCADE"),
    )


def downgrade() -> None:
    op.drop_table("explanation")

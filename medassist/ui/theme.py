"""How the pages look: gradio's variables, one style sheet, and the one script."""

from pathlib import Path
from typing import Final

from gradio.themes import Base
from gradio.themes.utils import colors, sizes

_HERE = Path(__file__).parent

CSS: Final = (_HERE / "style.css").read_text(encoding="utf-8")
SCRIPT: Final = (_HERE / "page.js").read_text(encoding="utf-8")

FONTS: Final = (
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "PingFang SC",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "sans-serif",
)
MONO: Final = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def theme() -> Base:
    """Teal on calm greys, in the fonts that are there: nothing is fetched."""
    return Base(
        primary_hue=colors.teal,
        secondary_hue=colors.teal,
        neutral_hue=colors.slate,
        text_size=sizes.text_md,
        spacing_size=sizes.spacing_sm,
        radius_size=sizes.radius_md,
        font=FONTS,
        font_mono=MONO,
    ).set(
        body_background_fill="#f5f7f9",
        body_background_fill_dark="#10171d",
        body_text_color="#16232f",
        body_text_color_dark="#e3e9ee",
        body_text_color_subdued="#526170",
        body_text_color_subdued_dark="#9fb0bd",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_padding="0",
        block_label_text_color="#526170",
        block_title_text_color="#526170",
        block_title_text_color_dark="#9fb0bd",
        block_title_text_weight="500",
        block_title_text_size="*text_sm",
        block_shadow="none",
        input_background_fill="#ffffff",
        input_background_fill_dark="#0c1217",
        input_border_color="#b9c5cf",
        input_border_color_dark="#3a4955",
        input_border_color_focus="#0f766e",
        input_border_color_focus_dark="#2dd4bf",
        input_placeholder_color="#6b7986",
        input_placeholder_color_dark="#8496a3",
        input_padding="8px 10px",
        button_primary_background_fill="#0f766e",
        button_primary_background_fill_hover="#115e59",
        button_primary_background_fill_dark="#0f766e",
        button_primary_background_fill_hover_dark="#115e59",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
        button_primary_border_color="#0f766e",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_hover="#eef3f5",
        button_secondary_background_fill_dark="#1b252d",
        button_secondary_background_fill_hover_dark="#24313a",
        button_secondary_border_color="#c3ced6",
        button_secondary_border_color_dark="#3a4955",
        button_border_width="1px",
        button_large_padding="8px 16px",
        button_large_text_size="*text_md",
        button_large_text_weight="600",
        link_text_color="#0f766e",
        color_accent="#0f766e",
        loader_color="#0f766e",
        form_gap_width="0px",
    )

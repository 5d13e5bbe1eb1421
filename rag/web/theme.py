"""How Gradio's own parts look: system fonts and the colours of tokens.css, light and dark alike."""

from typing import Any

FONTS = ("Noto Sans JP", "Hiragino Sans", "Yu Gothic UI", "Meiryo", "sans-serif")
_COLOURS = {
    "background_fill_primary": "paper",
    "background_fill_secondary": "ground",
    "body_background_fill": "paper",
    "body_text_color": "text",
    "body_text_color_subdued": "muted",
    "block_background_fill": "paper",
    "block_label_background_fill": "paper",
    "block_label_text_color": "text",
    "block_title_text_color": "text",
    "block_info_text_color": "muted",
    "border_color_primary": "line",
    "border_color_accent": "key",
    "color_accent": "key",
    "color_accent_soft": "key-pale",
    "input_background_fill": "paper",
    "input_border_color": "muted",
    "input_border_color_focus": "key",
    "input_placeholder_color": "muted",
    "button_primary_background_fill": "key",
    "button_primary_background_fill_hover": "key-hover",
    "button_primary_text_color": "on-key",
    "button_secondary_background_fill": "paper",
    "button_secondary_background_fill_hover": "key-pale",
    "button_secondary_border_color": "key",
    "button_secondary_text_color": "key",
    "checkbox_background_color": "paper",
    "checkbox_border_color": "muted",
    "checkbox_border_color_hover": "key",
    "checkbox_label_background_fill": "paper",
    "checkbox_label_background_fill_hover": "key-pale",
    "panel_background_fill": "ground",
}


def build_theme() -> Any:
    """Return a theme of system fonts only, whose colours are the names of tokens.css; its dark half equals its light half."""
    import gradio as gr

    theme = gr.themes.Base(font=FONTS, font_mono=("monospace",))
    for name, token in _COLOURS.items():
        setattr(theme, name, f"var(--{token})")
    theme.input_border_width = "1px"
    for name in [name for name in vars(theme) if name.endswith("_dark")]:
        setattr(theme, name, getattr(theme, name.removesuffix("_dark"), None))
    return theme

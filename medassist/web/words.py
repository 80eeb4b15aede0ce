"""The words of the pages served beside gradio's, in English and in Chinese."""

from collections.abc import Mapping
from typing import Final

from medassist.errors import Language
from medassist.ui.words import WORDS as COMMON

Words = Mapping[str, Mapping[Language, str]]

WORDS: Final[Words] = {
    "skip": {"en": "Skip to the content", "zh": "跳到正文"},
    "role_lead": {"en": "Study lead", "zh": "研究负责人"},
    "role_rater": {"en": "Rater", "zh": "评审专家"},
    "this_computer": {"en": "This computer", "zh": "本机"},
    "sign_in": {"en": "Sign in", "zh": "登录"},
    "sign_out": {"en": "Sign out", "zh": "退出登录"},
    "sign_in_hint": {
        "en": "For raters and study leads. Your first sign-in needs the personal link you were sent.",
        "zh": "供评审专家与研究负责人使用。首次登录请使用收到的个人邀请链接。",
    },
    "name": {"en": "Name", "zh": "用户名"},
    "password": {"en": "Password", "zh": "密码"},
    "password_again": {"en": "The same password again", "zh": "再次输入密码"},
    "forgotten": {
        "en": "Forgotten? The study lead can send you a new link.",
        "zh": "忘记密码？可请研究负责人发送新链接。",
    },
    "welcome": {"en": "Welcome, {name}", "zh": "欢迎，{name}"},
    "choose_password": {"en": "Choose a password", "zh": "设置密码"},
    "invitation_hint": {
        "en": "This link is yours alone and works once. You will sign in with the name above and this password.",
        "zh": "此链接仅供您本人使用，且只能使用一次。今后请用上述用户名和此密码登录。",
    },
    "password_hint": {
        "en": "At least {least} characters. A short sentence is easy to remember.",
        "zh": "至少 {least} 个字符，可用一句便于记忆的话。",
    },
    "passwords_differ": {"en": "The two passwords differ.", "zh": "两次输入的密码不一致。"},
    "save_and_sign_in": {"en": "Save and sign in", "zh": "保存并登录"},
    "cannot_open": {"en": "This cannot be opened", "zh": "无法打开"},
    "not_yours": {"en": "Not for this account", "zh": "账户无权限"},
    "went_wrong": {"en": "Something went wrong", "zh": "出现错误"},
    "signed_in_as": {"en": "You are signed in as {name} ({role}).", "zh": "当前登录账户：{name}（{role}）。"},
    "to_start": {"en": "To the start page", "zh": "返回首页"},
}


def say(name: str, language: Language, words: Words = WORDS, /, **values: object) -> str:
    """The word called `name`: of the page itself, else one that all pages share."""
    for each in (words, WORDS, COMMON):
        if name in each:
            return each[name][language].format(**values)
    raise KeyError(name)

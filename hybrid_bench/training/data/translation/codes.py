"""Language codes of translation models."""

from __future__ import annotations

#: ISO 639-1 to the codes of NLLB (language and script).
NLLB = {
    "ar": "arb_Arab", "bn": "ben_Beng", "da": "dan_Latn", "de": "deu_Latn", "el": "ell_Grek", "en": "eng_Latn",
    "es": "spa_Latn", "fa": "pes_Arab", "fi": "fin_Latn", "fr": "fra_Latn", "hi": "hin_Deva", "id": "ind_Latn",
    "it": "ita_Latn", "ja": "jpn_Jpan", "ko": "kor_Hang", "nl": "nld_Latn", "pl": "pol_Latn", "pt": "por_Latn",
    "ru": "rus_Cyrl", "sv": "swe_Latn", "sw": "swh_Latn", "te": "tel_Telu", "th": "tha_Thai", "tr": "tur_Latn",
    "uk": "ukr_Cyrl", "ur": "urd_Arab", "vi": "vie_Latn", "yo": "yor_Latn", "zh": "zho_Hans",
}  # fmt: skip

#: ISO 639-1 to ISO 639-3, which OPUS-MT models use for their target languages.
ISO_639_3 = {two: long.partition("_")[0] for two, long in NLLB.items()} | {"ar": "ara", "fa": "pes", "zh": "cmn"}

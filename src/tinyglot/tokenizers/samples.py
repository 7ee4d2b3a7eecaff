"""Short texts that come out differently when a tokenizer was changed on its way to disk."""

HARD_SAMPLES: tuple[str, ...] = (
    # upper case, accents, letters that lower-casing or accent stripping would change
    "Iż-Żgħażagħ ta' Ħal Għaxaq qegħdin fil-ĠNIEN, ħobż u ġobon",
    "İSTANBUL'DA Işık ve ılık ÇAĞRI ŞÖLENİ",
    "Straße GROSSE Ἀθῆναι ΣΊΣΥΦΟΣ Ελλάδα Đường phố Nguyễn Thị Hương",
    "Cafe\u0301 caf\u00e9 A\u030a \u00c5 \u212b n\u0303o n\u0331",
    "Ọjọ́ ìbí Ɗalibai ƙare Ŋañuy ɛ̃ ɔ̀ Ʋ",
    # joiners, variation selectors, flags, skin tones, private use, unassigned
    "👩‍👩‍👧‍👦 👍🏽 🏴‍☠️ 🇲🇹 ❤️ ✈︎ \ue000 \U000e0041 \U0001fbff",
    "می‌گوید کتاب‌ها क्‍ष क्‌ष ශ්‍රී",
    # scripts
    "शिक्षक विद्यालय में बच्चों को पढ़ा रहे हैं। १२३ ज़ क़",
    "إِنَّ اللُّغَةَ العَرَبِيَّةَ جَمِيلَةٌ ٱلْحَمْدُ ﷺ ـــ ٢٠٠٥ ۱۲۳ گچپژ ہے",
    "老师說臺北的圖書館今天不開門。「𠮷野家」(全角)ＡＢＣ１２３ ㍿ ①",
    "カメラとｶﾀｶﾅ ゔ が か゚ 先生は東京へ 선생님은 ㅋㅋ 한글 한글",
    "መምህሩ በአዲስ አበባ። მასწავლებელი Ალი Երևան Հայ שָׁלוֹם בית",
    "ครูไปโรงเรียนที่เชียงใหม่ เด็กๆ น้ำ ພາສາລາວ မြန်မာစာ ភាសាខ្មែរ བོད་སྐད",
    "தமிழ் ஸ்ரீ తెలుగు ಕನ್ನಡ മലയാളം ൻ ඹ ਪੰਜਾਬੀ ગુજરાતી ଓଡ଼ିଆ বাংলা ড়",
    # spaces, line ends, controls, zero width, soft hyphen
    "  two  spaces\tand\ttabs \u00a0\u3000\u2009 \r\n\r\n end \u200b\u2060\ufeff x\u00ady ",
    "\x00\x07\x7f\x85 nul \ufffd",
    # punctuation, numbers, addresses, long runs
    "«quotes» “x” ‘y’ — – - … ... ....... !!! ?! ½ ² ₃ ™ № % ‰ € ₦ ₹ ≤ ∑ → ▁ _ __ ##x @a #b",
    "+255 22 211-3456, 1.234.567,89 0x1F 3.5kg https://example.org/a_b?c=1&d=2 me@x.org",
    "a" * 120 + " " + "か" * 40 + " " + "1" * 60,
    # what looks like special tokens
    "[CLS] [MASK] [UNK] <s> <mask> </s> <unk> <pad> <bos> <0x41> [unused1]",
)

"""Sixty lines in about twenty languages and fourteen scripts, written for these tests."""

TINY_TEXT: list[str] = [
    # in Latin: Swahili, Hausa, Yoruba, Igbo, Wolof
    "Mwalimu Asha anaishi Dodoma na watoto wake watatu.",
    "Watoto wanacheza mpira karibu na shule ya kijiji kila siku.",
    "Rais alisema kwamba barabara mpya itafunguliwa mwaka 2024.",
    "Malama Hauwa ta sayi littafi a kasuwar Kano ranar Litinin.",
    "Ɗalibai sun ƙare jarrabawa kuma sun koma gida da murna.",
    "Bàbá Adé ń gbé ní ìlú Ìbàdàn pẹ̀lú àwọn ọmọ rẹ̀ mẹ́ta.",
    "Ọjọ́ ìbí mi ni oṣù kẹjọ, mo sì fẹ́ràn ìwé kíkà gan-an.",
    "Ụlọ akwụkwọ ọhụrụ dị n'Enugu, ụmụaka na-agụ akwụkwọ ebe ahụ.",
    "Xale yi dañuy fo ci mbedd mi, waaye taw bi ñëw na.",
    # in Latin: Maltese, Vietnamese, Turkish, Slovak, Spanish, English
    "Iż-żgħażagħ ta' Għawdex qegħdin jaħdmu fil-ħanut il-ġdid.",
    "Il-ktieb tal-għalliema jinsab fuq il-mejda ħdejn it-tieqa.",
    "Marija marret il-Belt Valletta biex tixtri ħobż u ġobon.",
    "Hôm nay trời đẹp, chúng tôi đi chợ Bến Thành mua trái cây.",
    "Cô giáo Nguyễn Thị Hương dạy học ở thành phố Huế từ năm 2010.",
    "Đường phố Hà Nội rất đông người vào buổi sáng.",
    "İstanbul'da yaşayan öğretmen çocuklarıyla parka gitti.",
    "Ľudia v Košiciach čakajú na autobus, pretože vlak meškal.",
    "La niña compró tres libros en la librería de Bogotá.",
    "The teacher read the letter and the children listened to her.",
    "Anna Schmidt works for the United Bank in Berlin since 1998.",
    # in Arabic: Arabic, Persian, Urdu
    "ذهب المعلم أحمد إلى المدرسة في القاهرة صباح اليوم.",
    "يقرأ الأطفال الكتاب الجديد في المكتبة كل يوم.",
    "تعمل شركة النور في مدينة الرياض منذ سنة ٢٠٠٥.",
    "معلم به شاگردان می‌گوید که کتاب‌ها را به خانه ببرند.",
    "استاد صاحب لاہور کے اسکول میں بچوں کو پڑھاتے ہیں۔",
    # in Ethiopic: Amharic, Tigrinya
    "መምህሩ ዛሬ ጠዋት በአዲስ አበባ ወደ ትምህርት ቤት ሄደ።",
    "ልጆቹ በየቀኑ አዲስ መጽሐፍ ያነባሉ።",
    "ኣብ ኣስመራ ዝነብሩ ተማሃሮ ናብ ቤት ትምህርቲ ከይዶም።",
    # in Devanagari: Hindi, Marathi, Nepali
    "शिक्षक आज सुबह दिल्ली के विद्यालय में बच्चों को पढ़ा रहे हैं।",
    "बच्चे हर दिन नई किताब पढ़ते हैं और खेलते हैं।",
    "पुण्यातील मुले दररोज शाळेत जातात आणि अभ्यास करतात.",
    "काठमाडौंका बालबालिका नयाँ किताब पढ्न रुचाउँछन्।",
    # Bengali, Tamil
    "শিক্ষক আজ সকালে ঢাকার স্কুলে গিয়েছিলেন।",
    "শিশুরা প্রতিদিন নতুন বই পড়ে।",
    "ஆசிரியர் இன்று காலை சென்னையில் உள்ள பள்ளிக்குச் சென்றார்.",
    "குழந்தைகள் தினமும் புதிய புத்தகம் படிக்கிறார்கள்.",
    # Thai
    "ครูไปโรงเรียนที่เชียงใหม่ตอนเช้าวันนี้",
    "เด็กๆ อ่านหนังสือเล่มใหม่ทุกวันที่ห้องสมุด",
    "ตลาดในกรุงเทพเปิดทุกวันตั้งแต่เช้า",
    # in Han, simplified and traditional: Chinese
    "老师今天早上去北京的学校上课。",
    "孩子们每天在图书馆看新书。",
    "我住在上海,我的朋友住在广州。",
    "老師說臺北的圖書館今天不開門。",
    # in Han, Hiragana, Katakana: Japanese
    "先生は今朝、東京の学校へ行きました。",
    "子どもたちは毎日としょかんで本を読みます。",
    "カメラとコンピュータをデパートで買いました。",
    # in Hangul: Korean
    "선생님은 오늘 아침 서울에 있는 학교에 갔습니다.",
    "아이들은 매일 도서관에서 새 책을 읽습니다.",
    "부산에 사는 친구가 나에게 편지를 보냈다.",
    # in Cyrillic: Russian, Ukrainian, Kazakh
    "Учитель сегодня утром пошёл в школу в Москве.",
    "Дети каждый день читают новую книгу в библиотеке.",
    "Вчителька живе у Львові, її діти ходять до школи.",
    "Мұғалім бүгін таңертең Алматыдағы мектепке барды.",
    # Greek, Georgian, Armenian, Hebrew
    "Ο δάσκαλος πήγε σήμερα το πρωί στο σχολείο της Αθήνας.",
    "Τα παιδιά διαβάζουν κάθε μέρα ένα καινούργιο βιβλίο.",
    "მასწავლებელი დღეს დილით თბილისის სკოლაში წავიდა.",
    "Ուսուցիչը այսօր առավոտյան գնաց Երևանի դպրոց։",
    "המורה הלך הבוקר לבית הספר בתל אביב.",
    # Numbers, punctuation, an address
    "Tel. +255 22 211 3456, P.O. Box 90, 14:30 (ISO 8601: 2026-11-21).",
    "10 % of 3.5 kg = 0.35 kg; see https://example.org/a_b?c=1&d=2 #tag @name",
]

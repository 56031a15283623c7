# SPDX-License-Identifier: Apache-2.0
"""Sentences and words of our own in many scripts, the raw material of corpus.txt."""

# language: (sentences, words)
LANGUAGES = {
    "english": (
        ["The ferry leaves at seven, so bring a warm coat.", "Nobody had told the baker about the second oven.",
         "We measured the bridge twice and wrote down three different numbers.", "\"Is that your bicycle?\" she asked quietly.",
         "It's hard to say who'll win; they're both well-prepared.", "Rain fell on the empty market square until noon."],
        "lantern harbour whisper copper meadow engineer seventeen thoughtful running unbelievable keyboard river".split()),
    "german": (
        ["Der Zug nach Süden fährt heute von Gleis fünf ab.", "Können Sie mir bitte die Straße zum Bahnhof zeigen?",
         "Größere Äpfel wachsen selten an kleinen Bäumen.", "Überall lag Schnee, und niemand räumte ihn weg."],
        "Wasserleitung Frühstück schön Übung Maßstab Donaudampfschiff vergessen zwölf Gemüse Höflichkeit".split()),
    "french": (
        ["L'été dernier, nous avons repeint la façade de la maison.", "Où est passé le garçon qui vendait des cerises ?",
         "Cet hôtel n'a que douze chambres, mais quelle vue !", "Elle aime l'œuf à la coque et le pain grillé."],
        "forêt naïf château leçon œuvre aujourd'hui pêcheur déjà où bientôt gâteau".split()),
    "spanish": (
        ["¿Quién dejó la ventana abierta toda la noche?", "El niño pequeño corrió detrás del autobús amarillo.",
         "¡Qué sorpresa encontrarte aquí después de tantos años!", "Mañana subiremos a la montaña con mi abuela."],
        "corazón pingüino canción señor árbol mañana lluvia camión jamás sueño".split()),
    "portuguese": (
        ["Amanhã não haverá pão fresco na padaria da esquina.", "As crianças brincam à beira do rio até tarde.",
         "Você já viu o avião que pousou no campo?"],
        "coração ações maçã três avó português ônibus lição irmãos água".split()),
    "italian": (
        ["Perché la città è così silenziosa stamattina?", "Abbiamo mangiato più gelato di quanto fosse ragionevole.",
         "Il vecchio orologio suona sempre un'ora dopo."],
        "caffè libertà giù ragazzo specchio gnocchi acqua virtù finestra".split()),
    "polish": (
        ["Źrebię biegło przez łąkę pełną żółtych kwiatów.", "Gdzie położyłeś moją książkę o gwiazdach?",
         "W Łodzi pada dziś śnieg z deszczem."],
        "szczęście źródło chrząszcz mąka żaba łódź dzień gęś ćma".split()),
    "czech": (
        ["Příští týden pojedeme vlakem do hor.", "Žluťoučké světlo dopadalo na starý stůl.", "Kde je můj modrý svetr?"],
        "říjen děti šťastný kůň ňadro čtvrtek účet džbán".split()),
    "turkish": (
        ["Işıklar söndü, ama çocuklar uyumadı.", "İstanbul'da yağmurlu bir gün geçirdik.", "Bu köprüyü kim, ne zaman yaptı?"],
        "güneş ağaç çiçek şeker ılık öğretmen kitaplarımızdan yıldız".split()),
    "finnish": (
        ["Järven jäällä käveli kaksi kettua.", "Äiti leipoi pullaa yöllä.", "Missä lähin kirjasto sijaitsee?"],
        "hyvää päivää sähkö lentokone työpöytä syksyllä ystävällisesti".split()),
    "hungarian": (
        ["Az öreg hídőr minden este meggyújtotta a lámpát.", "Hová tűnt a piros esernyőm?", "Tíz űrhajós ült a kör közepén."],
        "gyümölcs őszinte tűzhely megszentségteleníthetetlen zöldség nyár".split()),
    "vietnamese": (
        ["Sáng nay tôi uống cà phê sữa đá ở đầu ngõ.", "Con đường này dẫn đến một ngôi chùa cổ.", "Bạn có thể giúp tôi một việc nhỏ không?"],
        "nước quê hương người được những biển ngữ cảnh tuổi trẻ".split()),
    "indonesian": (
        ["Anak-anak bermain layang-layang di lapangan.", "Besok pagi kami berangkat ke pulau kecil itu.", "Apakah toko buku masih buka?"],
        "matahari keberangkatan sepeda gunung menyenangkan pelajaran".split()),
    "swahili": (
        ["Watoto wanacheza mpira karibu na mto.", "Nitakutembelea kesho asubuhi.", "Mti huu mkubwa una matunda mengi."],
        "rafiki chakula shule mwanafunzi jua maji habari".split()),
    "yoruba": (
        ["Ọmọ náà ń ka ìwé ní abẹ́ igi.", "Ẹ kú àárọ̀, ṣé dáadáa ni?"],
        "ọjà ilé omi ẹyẹ òkè ìrìn-àjò".split()),
    "icelandic": (
        ["Þoka lá yfir höfninni allan morguninn.", "Hvað heitir stærsta eyjan?"], "þökk fjörður æska ljóð göngustígur".split()),
    "russian": (
        ["Поезд опоздал на сорок минут, но никто не ругался.", "Где ты взял такой большой арбуз?",
         "В старом шкафу нашлись письма и засушенные листья.", "Ёжик ушёл в лес ещё до рассвета."],
        "зима окно достопримечательность чай лодка подъезд шёпот завтра".split()),
    "ukrainian": (
        ["Їжак приніс до хати три яблука.", "Чи є ще вільні місця в цьому потязі?", "Ґанок скрипів під ногами."],
        "сонце пісня вітер об'єднання калина щастя".split()),
    "bulgarian": (["Утре ще садим домати зад къщата.", "Кой остави вратата отворена?"], "ябълка път щъркел море".split()),
    "greek": (
        ["Το καράβι έφυγε πριν ξημερώσει.", "Πού βρήκες αυτά τα παλιά νομίσματα;", "Η γιαγιά έψησε ψωμί με ελιές."],
        "θάλασσα ουρανός βιβλίο ελευθερία άνεμος ψάρι".split()),
    "arabic": (
        ["وصل القطار متأخرا هذا الصباح.", "أين وضعت مفتاح البيت يا أخي؟", "شربنا الشاي تحت شجرة الزيتون.", "الكِتَابُ عَلَى الطَّاوِلَةِ."],
        "مدينة قمر طريق مدرسة ١٢٣ صديق نافذة".split()),
    "persian": (["دیروز باران زیادی بارید.", "می‌خواهم یک لیوان آب خنک بنوشم."], "کتاب‌خانه گل پنجره ژاله ۴۵۶".split()),
    "hebrew": (["הילד הקטן רץ אחרי הכדור.", "איפה נמצאת תחנת הרכבת?", "שָׁלוֹם לכולם"], "ים ספר חלון שמש ירושלים".split()),
    "urdu": (["کل ہم پہاڑوں کی طرف جائیں گے۔", "یہ کس کی ٹوپی ہے؟"], "پھول دریا کھڑکی سورج".split()),
    "hindi": (
        ["आज सुबह नदी के किनारे बहुत ठंड थी।", "क्या तुमने मेरी नीली कमीज़ देखी है?", "बच्चे पेड़ के नीचे खेल रहे हैं।"],
        "पुस्तकालय सूरज मित्रता चाँद क्षेत्र विद्यार्थी १२३".split()),
    "bengali": (["নদীর ধারে একটি ছোট নৌকা বাঁধা ছিল।", "তুমি কি আমার চিঠি পেয়েছ?"], "আকাশ বন্ধু বৃষ্টি জানালা".split()),
    "tamil": (["மழை பெய்ததால் விளையாட்டு நின்றது.", "உன் பெயர் என்ன?"], "கடல் நூலகம் பறவை நண்பன்".split()),
    "telugu": (["ఈ రోజు చాలా వేడిగా ఉంది.", "మీరు ఎక్కడ ఉంటారు?"], "పుస్తకం చంద్రుడు స్నేహితుడు".split()),
    "kannada": (["ನಾಳೆ ನಾವು ಬೆಟ್ಟ ಹತ್ತುತ್ತೇವೆ.", "ನೀರು ತುಂಬಾ ತಣ್ಣಗಿದೆ."], "ಮರ ಹಕ್ಕಿ ಶಾಲೆ".split()),
    "malayalam": (["കുട്ടികൾ പുഴയിൽ നീന്തുന്നു.", "ഇന്ന് മഴയാണ്."], "ആകാശം പുസ്തകം മരം".split()),
    "gujarati": (["સવારે પક્ષીઓ ગાય છે.", "તમારું ઘર ક્યાં છે?"], "નદી ફૂલ મિત્ર".split()),
    "punjabi": (["ਅੱਜ ਬਹੁਤ ਧੁੱਪ ਹੈ।"], "ਪਾਣੀ ਰੁੱਖ ਕਿਤਾਬ".split()),
    "sinhala": (["අද අහස නිල් පාටයි."], "මල් ගඟ පොත".split()),
    "thai": (["วันนี้ฝนตกหนักมากจนน้ำท่วมถนน", "คุณอยากกินข้าวผัดหรือก๋วยเตี๋ยว", "แมวดำนอนอยู่บนหลังคา"], "ภูเขา ทะเล หนังสือ โรงเรียน ๑๒๓".split()),
    "lao": (["ມື້ນີ້ອາກາດດີຫຼາຍ", "ເຈົ້າຢູ່ໃສ"], "ນ້ຳ ດອກໄມ້ ປຶ້ມ".split()),
    "khmer": (["ថ្ងៃនេះមេឃភ្លៀងខ្លាំង", "តើអ្នកមកពីណា?"], "ទឹក ផ្កា សៀវភៅ".split()),
    "burmese": (["ဒီနေ့ မိုးရွာတယ်။", "စာအုပ်က စားပွဲပေါ်မှာ ရှိတယ်။"], "ရေ ပန်း လမင်း".split()),
    "tibetan": (["དེ་རིང་གནམ་གཤིས་ཡག་པོ་འདུག།"], "ཆུ རི དཔེ་ཆ".split()),
    "georgian": (["დღეს ზღვა ძალიან მშვიდია.", "სად არის ჩემი ქუდი?"], "მთვარე წიგნი ხიდი".split()),
    "armenian": (["Այսօր ձյուն է գալիս։", "Որտե՞ղ է գրադարանը։"], "ջուր ծաղիկ լուսին".split()),
    "amharic": (["ዛሬ ዝናብ እየዘነበ ነው።", "መጽሐፉ የት አለ?"], "ውሃ አበባ ጨረቃ".split()),
    "chinese": (
        ["今天早上河边的雾很大，看不见对岸。", "你把我的雨伞放在哪里了？", "孩子们在院子里追一只黄色的小狗。", "这座桥是一百二十年前修的。"],
        "图书馆 月亮 朋友 火车站 电脑 春天 学习 山水".split()),
    "traditional": (["昨晚的颱風吹倒了門前的樹。", "請問圖書館幾點關門？", "爺爺種的蘿蔔又大又甜。"], "學校 鐵路 龍 臺灣 聽見".split()),
    "japanese": (
        ["朝ごはんの前に川まで散歩しました。", "その赤いカバンは誰のものですか？", "電車が遅れたので、会議に間に合わなかった。", "ネコがテーブルの上でねむっている。"],
        "図書館 さくら コーヒー 友達 新幹線 ありがとう ﾊﾝｶｸ".split()),
    "korean": (
        ["오늘 아침에는 안개가 짙게 끼었습니다.", "제 우산을 어디에 두셨어요?", "아이들이 마당에서 강아지를 쫓고 있다."],
        "도서관 달빛 친구 기차역 사랑해요 ㅋㅋㅋ".split()),
    "mongolian": (["Өнөөдөр цас орж байна.", "ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ"], "уул нар ном".split()),
    "kazakh": (["Бүгін ауа райы жақсы болды.", "Сенің кітабың қайда?"], "тау су құс әңгіме".split()),
    "greek_polytonic": (["ὁ ἄνεμος πνεῖ ἐκ τῆς θαλάσσης."], "ἀνήρ ᾠδή ῥόδον".split()),
    "hawaiian": (["Nui ka ua i kēia lā.", "ʻO wai kou inoa?"], "mahina wai puaʻa".split()),
    "cherokee": (["ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ"], "ᎠᎹ ᏅᏙ".split()),
    "inuktitut": (["ᐅᓪᓗᒥ ᓯᓚ ᐱᐅᔪᖅ"], "ᐃᒪᖅ ᓇᓄᖅ".split()),
    "runes_and_rare": (["ᚠᚢᚦᚨᚱᚲ 𐌰𐌱𐌲 𓀀𓂀 𝔸𝕓𝖈 𠮷野家"], "𝟘𝟙 𐍈 ꙮ ⵣ ꧁꧂ ⠓⠑".split()),
}

EMOJI = ["😀", "🦙", "👩‍💻", "🇹🇭", "🚀", "👍🏽", "❤️", "🏳️‍🌈", "🫨", "1️⃣", "👨‍👩‍👧", "☕", "♟", "🧑🏿‍🚀"]

CODE = [
    "def area(width, height):", "    return width * height  # metres", "\tfor (int i = 0; i < n; ++i) sum += a[i];",
    "if x != y and not (a <= b):", "\t\tprintf(\"%5.2f\\n\", value);", "SELECT name, COUNT(*) FROM boats GROUP BY name;",
    "const auto [key, value] = *map.find(\"k\");", "let f = |x: &str| -> usize { x.len() };", "{\"id\": 17, \"tags\": [\"a\", \"b\"], \"ok\": null}",
    "https://example.org/path?query=1&lang=en#top", "user@example.org", "C:\\temp\\new_file.txt", "~/notes/2031-04-05.md", "| a | b |\t| c |",
    "        deeply   indented    line", "x = [i**2 for i in range(10)]", "// nothing to do", "e = mc^2; pi ~ 3.14159", "$ ls -la | grep '^d'",
    "0xFF 0b1010 1e-9 1_000_000", "\\frac{a}{b} + \\sqrt{x}", "a\t\tb\t\t\tc\t\t\t\td",
]

TAGS = ["<h1>", "</h1>", "<table>", "</td>", "<s>", "</s>", "<code>", "</strong>", "<div>", "<blockquote>", "<sub>", "<b>", "</i>", "<tr>"]

MARKERS = ["<start_of_turn>", "<end_of_turn>", "<mask>", "<unused0>", "<unused1>", "[@BOS@]", "<2mass>", "[toxicity=0]", "<0x0A>", "<unused999>"]

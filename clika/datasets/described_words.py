"""The words that described names are made of, in ten languages: adjectives, landforms, and what a continent is called.

Words that need no article in English and whose adjective stands after the noun in French and Italian. The
forms that a language derives by rule are derived in ``names_described``; what no rule gives stands here.
"""

from dataclasses import dataclass
from enum import StrEnum


class Gender(StrEnum):
    MASCULINE = "m"
    FEMININE = "f"
    NEUTER = "n"


@dataclass(frozen=True, slots=True)
class Adjective:
    """The masculine nominative; German the weak form in -e; Arabic and Hebrew with the article.

    ``hebrew_feminine`` stands by itself: whether it ends in -a or in -t is a matter of the word.
    """

    english: str
    german: str
    french: str
    italian: str
    polish: str
    russian: str
    arabic: str
    hebrew: str
    hebrew_feminine: str
    japanese: str
    chinese: str


@dataclass(frozen=True, slots=True)
class Noun:
    """The nominative singular; German, French and Italian with the article, Arabic and Hebrew too.

    ``genders`` has a letter each for German, French, Italian, Polish, Russian, Arabic and Hebrew.
    """

    english: str
    german: str
    french: str
    italian: str
    polish: str
    russian: str
    arabic: str
    hebrew: str
    japanese: str
    chinese: str
    genders: str


# fmt: off
ADJECTIVES = (
    Adjective("Whispering", "Flüsternde", "Murmurant", "Sussurrante", "Szepczący", "Шепчущий",
              "الهامس", "הלוחש", "הלוחשת", "ささやく", "低语"),
    Adjective("Sleeping", "Schlafende", "Endormi", "Addormentato", "Śpiący", "Спящий",
              "النائم", "הרדום", "הרדומה", "眠れる", "沉睡"),
    Adjective("Forgotten", "Vergessene", "Oublié", "Dimenticato", "Zapomniany", "Забытый",
              "المنسي", "הנשכח", "הנשכחת", "忘れられた", "遗忘"),
    Adjective("Frozen", "Gefrorene", "Gelé", "Ghiacciato", "Zamarznięty", "Замёрзший",
              "المتجمد", "הקפוא", "הקפואה", "凍った", "冰封"),
    Adjective("Silver", "Silberne", "Argenté", "Argentato", "Srebrny", "Серебряный",
              "الفضي", "הכסוף", "הכסופה", "銀の", "银色"),
    Adjective("Golden", "Goldene", "Doré", "Dorato", "Złoty", "Золотой",
              "الذهبي", "הזהוב", "הזהובה", "黄金の", "金色"),
    Adjective("Silent", "Stille", "Silencieux", "Silenzioso", "Milczący", "Безмолвный",
              "الصامت", "הדומם", "הדוממת", "静かな", "寂静"),
    Adjective("Burning", "Brennende", "Brûlant", "Ardente", "Płonący", "Пылающий",
              "المشتعل", "הבוער", "הבוערת", "燃える", "燃烧"),
    Adjective("Dancing", "Tanzende", "Dansant", "Danzante", "Tańczący", "Танцующий",
              "الراقص", "הרוקד", "הרוקדת", "踊る", "舞动"),
    Adjective("Dreaming", "Träumende", "Rêveur", "Sognante", "Śniący", "Грезящий",
              "الحالم", "החולם", "החולמת", "夢見る", "梦幻"),
    Adjective("Wandering", "Wandernde", "Errant", "Errante", "Wędrujący", "Блуждающий",
              "المتجول", "הנודד", "הנודדת", "さまよう", "漂泊"),
    Adjective("Endless", "Endlose", "Infini", "Infinito", "Bezkresny", "Бескрайний",
              "اللامتناهي", "האינסופי", "האינסופית", "果てしない", "无尽"),
    Adjective("Enchanted", "Verzauberte", "Enchanté", "Incantato", "Zaczarowany", "Заколдованный",
              "المسحور", "הקסום", "הקסומה", "魔法の", "魔法"),
    Adjective("Broken", "Zerbrochene", "Brisé", "Spezzato", "Rozbity", "Разбитый",
              "المحطم", "השבור", "השבורה", "砕けた", "破碎"),
    Adjective("Shining", "Leuchtende", "Brillant", "Splendente", "Lśniący", "Сияющий",
              "اللامع", "הזוהר", "הזוהרת", "輝く", "闪耀"),
    Adjective("Hungry", "Hungrige", "Affamé", "Affamato", "Głodny", "Голодный",
              "الجائع", "הרעב", "הרעבה", "飢えた", "饥饿"),
    Adjective("Lonely", "Einsame", "Solitaire", "Solitario", "Samotny", "Одинокий",
              "الوحيد", "הבודד", "הבודדה", "孤独な", "孤寂"),
    Adjective("Hidden", "Verborgene", "Caché", "Nascosto", "Ukryty", "Скрытый",
              "المخفي", "הנסתר", "הנסתרת", "隠された", "隐秘"),
    Adjective("Lost", "Verlorene", "Perdu", "Perduto", "Zaginiony", "Затерянный",
              "المفقود", "האבוד", "האבודה", "失われた", "失落"),
    Adjective("Sacred", "Heilige", "Sacré", "Sacro", "Święty", "Священный",
              "المقدس", "הקדוש", "הקדושה", "聖なる", "神圣"),
    Adjective("Misty", "Neblige", "Brumeux", "Nebbioso", "Mglisty", "Туманный",
              "الضبابي", "הערפילי", "הערפילית", "霧の", "迷雾"),
    Adjective("Thorny", "Dornige", "Épineux", "Spinoso", "Ciernisty", "Колючий",
              "الشائك", "הקוצני", "הקוצנית", "いばらの", "荆棘"),
    Adjective("Purple", "Violette", "Violet", "Violetto", "Fioletowy", "Фиолетовый",
              "البنفسجي", "הסגול", "הסגולה", "紫の", "紫色"),
    Adjective("Ancient", "Uralte", "Antique", "Antico", "Prastary", "Древний",
              "القديم", "העתיק", "העתיקה", "古代の", "古老"),
    Adjective("Sunken", "Versunkene", "Englouti", "Sommerso", "Zatopiony", "Затонувший",
              "الغارق", "השקוע", "השקועה", "沈んだ", "沉没"),
    Adjective("Crystal", "Kristallene", "Cristallin", "Cristallino", "Kryształowy", "Хрустальный",
              "البلوري", "הבדולחי", "הבדולחית", "水晶の", "水晶"),
    Adjective("Stormy", "Stürmische", "Orageux", "Tempestoso", "Burzowy", "Грозовой",
              "العاصف", "הסוער", "הסוערת", "嵐の", "风暴"),
    Adjective("Eternal", "Ewige", "Éternel", "Eterno", "Wieczny", "Вечный",
              "الأبدي", "הנצחי", "הנצחית", "永遠の", "永恒"),
    Adjective("Cursed", "Verfluchte", "Maudit", "Maledetto", "Przeklęty", "Проклятый",
              "الملعون", "המקולל", "המקוללת", "呪われた", "诅咒"),
    Adjective("Proud", "Stolze", "Fier", "Fiero", "Dumny", "Гордый",
              "الفخور", "הגאה", "הגאה", "誇り高き", "骄傲"),
    Adjective("Trembling", "Zitternde", "Tremblant", "Tremante", "Drżący", "Дрожащий",
              "المرتجف", "הרועד", "הרועדת", "震える", "颤抖"),
    Adjective("Roaring", "Brüllende", "Rugissant", "Ruggente", "Ryczący", "Ревущий",
              "الهادر", "השואג", "השואגת", "轟く", "咆哮"),
    Adjective("Weeping", "Weinende", "Pleureur", "Piangente", "Płaczący", "Плачущий",
              "الباكي", "הבוכה", "הבוכה", "嘆きの", "哭泣"),
    Adjective("Wild", "Wilde", "Sauvage", "Selvaggio", "Dziki", "Дикий",
              "البري", "הפראי", "הפראית", "野生の", "狂野"),
    Adjective("Cheerful", "Fröhliche", "Joyeux", "Allegro", "Wesoły", "Весёлый",
              "المرح", "העליז", "העליזה", "陽気な", "欢乐"),
    Adjective("Mysterious", "Geheimnisvolle", "Mystérieux", "Misterioso", "Tajemniczy", "Таинственный",
              "الغامض", "המסתורי", "המסתורית", "神秘の", "神秘"),
)

LANDFORMS = (
    Noun("Valley", "das Tal", "la vallée", "la Valle", "Dolina", "долина",
         "الوادي", "העמק", "谷", "山谷", genders="nffffmm"),
    Noun("Lake", "der See", "le lac", "il Lago", "Jezioro", "озеро",
         "البحيرة", "האגם", "湖", "湖", genders="mmmnnfm"),
    Noun("Mountain", "der Berg", "la montagne", "la Montagna", "Góra", "гора",
         "الجبل", "ההר", "山", "山", genders="mffffmm"),
    Noun("Island", "die Insel", "l'île", "l'Isola", "Wyspa", "остров",
         "الجزيرة", "האי", "島", "岛", genders="ffffmfm"),
    Noun("Forest", "der Wald", "la forêt", "la Foresta", "Las", "лес",
         "الغابة", "היער", "森", "森林", genders="mffmmfm"),
    Noun("Bay", "die Bucht", "la baie", "la Baia", "Zatoka", "бухта",
         "الخليج", "המפרץ", "湾", "海湾", genders="fffffmm"),
    Noun("Hill", "der Hügel", "la colline", "la Collina", "Wzgórze", "холм",
         "التل", "הגבעה", "丘", "山丘", genders="mffnmmf"),
    Noun("Canyon", "der Canyon", "le canyon", "il Canyon", "Kanion", "каньон",
         "الأخدود", "הנקיק", "峡谷", "峡谷", genders="mmmmmmm"),
    Noun("Beach", "der Strand", "la plage", "la Spiaggia", "Plaża", "пляж",
         "الشاطئ", "החוף", "浜辺", "海滩", genders="mfffmmm"),
    Noun("Harbour", "der Hafen", "le port", "il Porto", "Port", "гавань",
         "الميناء", "הנמל", "港", "港", genders="mmmmfmm"),
    Noun("Peak", "der Gipfel", "le pic", "il Picco", "Szczyt", "пик",
         "القمة", "הפסגה", "峰", "峰", genders="mmmmmff"),
    Noun("Cave", "die Höhle", "la grotte", "la Grotta", "Jaskinia", "пещера",
         "الكهف", "המערה", "洞窟", "洞穴", genders="fffffmf"),
    Noun("Meadow", "die Wiese", "la prairie", "il Prato", "Łąka", "луг",
         "المرج", "האחו", "草地", "草地", genders="ffmfmmm"),
    Noun("Marsh", "der Sumpf", "le marais", "la Palude", "Bagno", "болото",
         "المستنقع", "הביצה", "沼", "沼泽", genders="mmfnnmf"),
    Noun("Plain", "die Ebene", "la plaine", "la Pianura", "Równina", "равнина",
         "السهل", "המישור", "平原", "平原", genders="fffffmm"),
    Noun("Spring", "die Quelle", "la source", "la Sorgente", "Źródło", "источник",
         "النبع", "המעיין", "泉", "泉", genders="fffnmmm"),
    Noun("Cliff", "die Klippe", "la falaise", "la Scogliera", "Klif", "утёс",
         "الجرف", "הצוק", "崖", "悬崖", genders="fffmmmm"),
    Noun("Rock", "der Felsen", "le rocher", "la Roccia", "Skała", "скала",
         "الصخرة", "הסלע", "岩", "岩", genders="mmffffm"),
    Noun("Pond", "der Teich", "l'étang", "lo Stagno", "Staw", "пруд",
         "البركة", "הבריכה", "池", "池塘", genders="mmmmmff"),
    Noun("Grove", "der Hain", "le bosquet", "il Boschetto", "Gaj", "роща",
         "الأيكة", "החורשה", "木立", "树林", genders="mmmmfff"),
    Noun("Volcano", "der Vulkan", "le volcan", "il Vulcano", "Wulkan", "вулкан",
         "البركان", "הר הגעש", "火山", "火山", genders="mmmmmmm"),
    Noun("Oasis", "die Oase", "l'oasis", "l'Oasi", "Oaza", "оазис",
         "الواحة", "נווה המדבר", "オアシス", "绿洲", genders="ffffmfm"),
    Noun("Field", "das Feld", "le champ", "il Campo", "Pole", "поле",
         "الحقل", "השדה", "野原", "原野", genders="nmmnnmm"),
)

REALMS = (
    Noun("Kingdom", "das Königreich", "le royaume", "il Regno", "Królestwo", "королевство",
         "المملكة", "הממלכה", "王国", "王国", genders="nmmnnff"),
    Noun("World", "die Welt", "le monde", "il Mondo", "Świat", "мир",
         "العالم", "העולם", "世界", "世界", genders="fmmmmmm"),
    Noun("Horizon", "der Horizont", "l'horizon", "l'Orizzonte", "Horyzont", "горизонт",
         "الأفق", "האופק", "地平線", "地平线", genders="mmmmmmm"),
)
# fmt: on

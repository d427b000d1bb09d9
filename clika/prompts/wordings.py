"""What the templates say, in each of the ten languages: instructions, labels and demonstrations.

Every language says the same in its own script and punctuation; English is the text of template ``english``
to the byte, since stored runs were asked with it. Options of choice demonstrations are numbers, which need
no translation, and there are enough of them for any number of letters. No demonstration is about a place or
a person, which the questions are about.
"""

from dataclasses import dataclass

NO_BREAK = "\u00a0"
"""What French sets before a colon, a semicolon and a question mark."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One language's words.

    ``choice`` and ``premise`` are the instructions for the two sorts of questions; ``question_label``,
    ``answer_label`` and ``premise_label`` stand before what they name, colon included. ``cause`` and ``effect``
    are what questions about a premise ask. ``numbers`` are the choice demonstrations' questions, beside
    NUMBER_OPTIONS. ``scenes`` are the premise demonstrations: premise, right answer, wrong answer, which ask
    for effect and cause in turn.
    """

    choice: str
    premise: str
    question_label: str
    answer_label: str
    premise_label: str
    cause: str
    effect: str
    numbers: tuple[str, ...]
    scenes: tuple[tuple[str, str, str], ...]


def _texts(*numbers: int) -> tuple[str, ...]:
    return tuple(str(number) for number in numbers)


NUMBER_OPTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("7", _texts(4, *range(10, 34))),
    ("12", _texts(*range(8, 12), *range(13, 34))),
    ("60", _texts(*range(10, 60, 10), *range(70, 270, 10))),
    ("8", _texts(4, 6, *range(10, 56, 2))),
    ("3", _texts(*range(4, 29))),
)
"""Right answer and 25 wrong ones, in the order of ``Wording.numbers``: with the right one, options A to Z."""

ENGLISH_WORDING = Wording(
    choice="Each question below has exactly one correct option; choose that option.",
    premise="Each question below is about a premise; choose the more plausible of its two options.",
    question_label="Question:",
    answer_label="Answer:",
    premise_label="Premise:",
    cause="What was the cause of this?",
    effect="What happened as a result?",
    numbers=(
        "How many days are there in one week?",
        "How many months are there in one year?",
        "How many minutes are there in one hour?",
        "How many legs does a spider have?",
        "How many sides does a triangle have?",
    ),
    scenes=(
        ("The glass fell onto the stone floor.", "It broke into pieces.", "It filled with water."),
        ("The street was wet.", "It had rained.", "The sun was shining."),
        ("The ice cube lay in the sun.", "It melted.", "It caught fire."),
        ("The lamp went out.", "The power failed.", "The door was green."),
        ("The plant got no water for weeks.", "It withered.", "It grew taller."),
    ),
)

WORDINGS: dict[str, Wording] = {
    "en": ENGLISH_WORDING,
    "de": Wording(
        choice="Bei jeder der folgenden Fragen ist genau eine Antwortmöglichkeit richtig; wähle diese aus.",
        premise="Jede der folgenden Fragen bezieht sich auf eine Situation; wähle die plausiblere der beiden"
        " Antwortmöglichkeiten.",
        question_label="Frage:",
        answer_label="Antwort:",
        premise_label="Situation:",
        cause="Was war die Ursache dafür?",
        effect="Was geschah daraufhin?",
        numbers=(
            "Wie viele Tage hat eine Woche?",
            "Wie viele Monate hat ein Jahr?",
            "Wie viele Minuten hat eine Stunde?",
            "Wie viele Beine hat eine Spinne?",
            "Wie viele Seiten hat ein Dreieck?",
        ),
        scenes=(
            ("Das Glas fiel auf den Steinboden.", "Es zerbrach.", "Es füllte sich mit Wasser."),
            ("Die Straße war nass.", "Es hatte geregnet.", "Die Sonne schien."),
            ("Der Eiswürfel lag in der Sonne.", "Er schmolz.", "Er fing Feuer."),
            ("Die Lampe ging aus.", "Der Strom war ausgefallen.", "Die Tür war grün."),
            ("Die Pflanze bekam wochenlang kein Wasser.", "Sie vertrocknete.", "Sie wurde größer."),
        ),
    ),
    "fr": Wording(
        choice=f"Chacune des questions ci-dessous a exactement une bonne réponse{NO_BREAK}; choisissez-la.",
        premise="Chacune des questions ci-dessous porte sur une situation"
        f"{NO_BREAK}; choisissez la plus plausible des deux réponses proposées.",
        question_label=f"Question{NO_BREAK}:",
        answer_label=f"Réponse{NO_BREAK}:",
        premise_label=f"Situation{NO_BREAK}:",
        cause=f"Quelle en était la cause{NO_BREAK}?",
        effect=f"Que s'est-il passé ensuite{NO_BREAK}?",
        numbers=(
            f"Combien de jours y a-t-il dans une semaine{NO_BREAK}?",
            f"Combien de mois y a-t-il dans une année{NO_BREAK}?",
            f"Combien de minutes y a-t-il dans une heure{NO_BREAK}?",
            f"Combien de pattes une araignée a-t-elle{NO_BREAK}?",
            f"Combien de côtés un triangle a-t-il{NO_BREAK}?",
        ),
        scenes=(
            ("Le verre est tombé sur le sol en pierre.", "Il s'est brisé.", "Il s'est rempli d'eau."),
            ("La rue était mouillée.", "Il avait plu.", "Le soleil brillait."),
            ("Le glaçon est resté au soleil.", "Il a fondu.", "Il a pris feu."),
            ("La lampe s'est éteinte.", "Il y a eu une coupure de courant.", "La porte était verte."),
            (
                "La plante n'a pas été arrosée pendant des semaines.",
                "Elle s'est desséchée.",
                "Elle a grandi.",
            ),
        ),
    ),
    "it": Wording(
        choice="Ciascuna delle domande seguenti ha esattamente una risposta corretta: scegli quella.",
        premise="Ciascuna delle domande seguenti riguarda una situazione: scegli la più plausibile delle due"
        " risposte proposte.",
        question_label="Domanda:",
        answer_label="Risposta:",
        premise_label="Situazione:",
        cause="Qual è stata la causa?",
        effect="Che cosa è successo di conseguenza?",
        numbers=(
            "Quanti giorni ci sono in una settimana?",
            "Quanti mesi ci sono in un anno?",
            "Quanti minuti ci sono in un'ora?",
            "Quante zampe ha un ragno?",
            "Quanti lati ha un triangolo?",
        ),
        scenes=(
            (
                "Il bicchiere è caduto sul pavimento di pietra.",
                "È andato in pezzi.",
                "Si è riempito d'acqua.",
            ),
            ("La strada era bagnata.", "Aveva piovuto.", "Splendeva il sole."),
            ("Il cubetto di ghiaccio è rimasto al sole.", "Si è sciolto.", "Ha preso fuoco."),
            ("La lampada si è spenta.", "È mancata la corrente.", "La porta era verde."),
            ("La pianta è rimasta senz'acqua per settimane.", "È appassita.", "È diventata più alta."),
        ),
    ),
    "pl": Wording(
        choice="Każde z poniższych pytań ma dokładnie jedną poprawną odpowiedź; wybierz ją.",
        premise="Każde z poniższych pytań dotyczy pewnej sytuacji; wybierz bardziej prawdopodobną z dwóch"
        " odpowiedzi.",
        question_label="Pytanie:",
        answer_label="Odpowiedź:",
        premise_label="Sytuacja:",
        cause="Co było tego przyczyną?",
        effect="Co było tego skutkiem?",
        numbers=(
            "Ile dni ma tydzień?",
            "Ile miesięcy ma rok?",
            "Ile minut ma godzina?",
            "Ile nóg ma pająk?",
            "Ile boków ma trójkąt?",
        ),
        scenes=(
            ("Szklanka spadła na kamienną podłogę.", "Rozbiła się.", "Napełniła się wodą."),
            ("Ulica była mokra.", "Padał deszcz.", "Świeciło słońce."),
            ("Kostka lodu leżała na słońcu.", "Roztopiła się.", "Zapaliła się."),
            ("Lampa zgasła.", "Zabrakło prądu.", "Drzwi były zielone."),
            ("Roślina przez wiele tygodni nie była podlewana.", "Uschła.", "Urosła."),
        ),
    ),
    "ru": Wording(
        choice="У каждого из следующих вопросов ровно один правильный вариант ответа; выберите его.",
        premise="Каждый из следующих вопросов относится к некоторой ситуации; выберите более правдоподобный из"
        " двух вариантов ответа.",
        question_label="Вопрос:",
        answer_label="Ответ:",
        premise_label="Ситуация:",
        cause="Что было причиной этого?",
        effect="Что произошло в результате?",
        numbers=(
            "Сколько дней в неделе?",
            "Сколько месяцев в году?",
            "Сколько минут в часе?",
            "Сколько ног у паука?",
            "Сколько сторон у треугольника?",
        ),
        scenes=(
            ("Стакан упал на каменный пол.", "Он разбился.", "Он наполнился водой."),
            ("Улица была мокрой.", "Прошёл дождь.", "Светило солнце."),
            ("Кубик льда лежал на солнце.", "Он растаял.", "Он загорелся."),
            ("Лампа погасла.", "Отключилось электричество.", "Дверь была зелёной."),
            ("Растение несколько недель не поливали.", "Оно засохло.", "Оно стало выше."),
        ),
    ),
    "ar": Wording(
        choice="لكل سؤال من الأسئلة التالية خيار صحيح واحد فقط؛ اختر هذا الخيار.",
        premise="يتعلق كل سؤال من الأسئلة التالية بموقف معيّن؛ اختر الخيار الأكثر معقولية من بين الخيارين.",
        question_label="السؤال:",
        answer_label="الإجابة:",
        premise_label="الموقف:",
        cause="ما سبب ذلك؟",
        effect="ماذا حدث نتيجةً لذلك؟",
        numbers=(
            "كم عدد أيام الأسبوع؟",
            "كم عدد أشهر السنة؟",
            "كم عدد دقائق الساعة؟",
            "كم عدد أرجل العنكبوت؟",
            "كم عدد أضلاع المثلث؟",
        ),
        scenes=(
            ("سقط الكوب الزجاجي على الأرضية الحجرية.", "تحطّم الكوب.", "امتلأ الكوب بالماء."),
            ("كان الشارع مبللًا.", "كان المطر قد هطل.", "كانت الشمس مشرقة."),
            ("تُرك مكعب الثلج تحت أشعة الشمس.", "ذاب المكعب.", "اشتعلت فيه النار."),
            ("انطفأ المصباح.", "انقطع التيار الكهربائي.", "كان الباب أخضر اللون."),
            ("لم تُسقَ النبتة لأسابيع.", "ذبلت النبتة.", "ازداد طول النبتة."),
        ),
    ),
    "he": Wording(
        choice="לכל אחת מהשאלות הבאות יש בדיוק תשובה נכונה אחת; בחרו בה.",
        premise="כל אחת מהשאלות הבאות עוסקת במצב מסוים; בחרו בתשובה הסבירה יותר מבין השתיים.",
        question_label="שאלה:",
        answer_label="תשובה:",
        premise_label="מצב:",
        cause="מה הייתה הסיבה לכך?",
        effect="מה קרה כתוצאה מכך?",
        numbers=(
            "כמה ימים יש בשבוע?",
            "כמה חודשים יש בשנה?",
            "כמה דקות יש בשעה?",
            "כמה רגליים יש לעכביש?",
            "כמה צלעות יש למשולש?",
        ),
        scenes=(
            ("הכוס נפלה על רצפת האבן.", "היא נשברה.", "היא התמלאה במים."),
            ("הרחוב היה רטוב.", "ירד גשם.", "השמש זרחה."),
            ("קוביית הקרח הייתה מונחת בשמש.", "היא נמסה.", "היא עלתה באש."),
            ("המנורה כבתה.", "הייתה הפסקת חשמל.", "הדלת הייתה ירוקה."),
            ("הצמח לא קיבל מים במשך שבועות.", "הוא קמל.", "הוא נעשה גבוה יותר."),
        ),
    ),
    "ja": Wording(
        choice="以下の各質問には、正しい選択肢がちょうど一つあります。その選択肢を選んでください。",
        premise="以下の各質問は、ある状況についてのものです。二つの選択肢のうち、より妥当なものを選んでください。",
        question_label="質問：",
        answer_label="回答：",
        premise_label="状況：",
        cause="その原因は何でしたか？",
        effect="その結果、何が起こりましたか？",
        numbers=(
            "一週間は何日ですか？",
            "一年は何か月ですか？",
            "一時間は何分ですか？",
            "クモの足は何本ですか？",
            "三角形の辺は何本ですか？",
        ),
        scenes=(
            ("グラスが石の床に落ちた。", "粉々に割れた。", "水でいっぱいになった。"),
            ("道が濡れていた。", "雨が降った。", "太陽が照っていた。"),
            ("氷が日なたに置かれていた。", "溶けた。", "燃え上がった。"),
            ("電灯が消えた。", "停電した。", "ドアが緑色だった。"),
            ("その植物には何週間も水が与えられなかった。", "枯れた。", "背が高くなった。"),
        ),
    ),
    "zh": Wording(
        choice="下面每道题都只有一个正确选项，请选出该选项。",
        premise="下面每道题都针对一个情境，请从两个选项中选出更合理的一个。",
        question_label="问题：",
        answer_label="答案：",
        premise_label="情境：",
        cause="这件事的原因是什么？",
        effect="结果发生了什么？",
        numbers=(
            "一个星期有几天？",
            "一年有几个月？",
            "一小时有多少分钟？",
            "蜘蛛有几条腿？",
            "三角形有几条边？",
        ),
        scenes=(
            ("玻璃杯掉到了石头地面上。", "它摔碎了。", "它装满了水。"),
            ("街道是湿的。", "刚下过雨。", "阳光明媚。"),
            ("冰块放在太阳底下。", "它融化了。", "它着火了。"),
            ("灯灭了。", "停电了。", "门是绿色的。"),
            ("这株植物好几个星期没有浇水。", "它枯萎了。", "它长高了。"),
        ),
    ),
}

"""Ten questions for the continent of a place, and their answers, in ten languages.

The English questions are those of Gao et al. 2024; the others and all answers are our own. The first of each
language is the one that is asked after the tuning.
"""

from clika.datasets.relation_templates import RelationTemplate as T

CONTINENT_TEMPLATES: dict[str, tuple[T, ...]] = {
    "en": (
        T("Which continent is {place} located in?", "{place} lies on the continent of {answer}."),
        T("What is the continent of {place}?", "The continent of {place} is {answer}."),
        T("Where is {place}? Which continent?", "{place} is on the continent of {answer}."),
        T("In which continent can you find {place}?", "You can find {place} on the continent of {answer}."),
        T(
            "Tell me the continent where {place} is located.",
            "The continent where {place} is located is {answer}.",
        ),
        T("What continent does {place} belong to?", "{place} belongs to the continent of {answer}."),
        T("Where can {place} be found continent-wise?", "{place} can be found on the continent of {answer}."),
        T(
            "What's the continental location of {place}?",
            "{place} has its place on the continent of {answer}.",
        ),
        T(
            "Which part of the world is {place} in, continent-wise?",
            "The part of the world where {place} lies is {answer}.",
        ),
        T(
            "Could you specify the continent for {place}?",
            "Yes, {place} is part of the continent of {answer}.",
        ),
    ),
    "de": (
        T("Auf welchem Kontinent liegt {place}?", "{place} liegt auf dem Kontinent {answer}."),
        T(
            "Wie heißt der Kontinent, auf dem {place} liegt?",
            "Der Kontinent, auf dem {place} liegt, heißt {answer}.",
        ),
        T("Wo liegt {place}? Auf welchem Kontinent?", "{place} befindet sich auf dem Kontinent {answer}."),
        T(
            "Auf welchem Kontinent ist {place} zu finden?",
            "Zu finden ist {place} auf dem Kontinent {answer}.",
        ),
        T(
            "Nenne mir den Kontinent, auf dem {place} liegt.",
            "Der Kontinent, auf dem {place} liegt, ist folgender: {answer}.",
        ),
        T("Zu welchem Kontinent gehört {place}?", "{place} gehört zum Kontinent {answer}."),
        T(
            "Wo befindet sich {place}, nach Kontinenten betrachtet?",
            "Nach Kontinenten betrachtet befindet sich {place} hier: {answer}.",
        ),
        T("Welchem Kontinent wird {place} zugeordnet?", "Zugeordnet wird {place} dem Kontinent {answer}."),
        T(
            "In welchem Teil der Welt, also auf welchem Kontinent, liegt {place}?",
            "Der Teil der Welt, in dem {place} liegt, ist der Kontinent {answer}.",
        ),
        T(
            "Könntest du mir sagen, auf welchem Kontinent {place} liegt?",
            "Ja, {place} ist ein Teil des Kontinents {answer}.",
        ),
    ),
    "fr": (
        T("Sur quel continent se trouve {place} ?", "{place} se trouve sur le continent {answer}."),
        T(
            "Quel est le continent où se trouve {place} ?",
            "Le continent où se trouve {place} s'appelle {answer}.",
        ),
        T("Où est {place} ? Sur quel continent ?", "{place} est sur le continent {answer}."),
        T(
            "Sur quel continent peut-on trouver {place} ?",
            "On peut trouver {place} sur le continent {answer}.",
        ),
        T("Dis-moi sur quel continent se situe {place}.", "{place} se situe sur le continent {answer}."),
        T("À quel continent appartient {place} ?", "{place} appartient au continent {answer}."),
        T(
            "Où peut-on situer {place}, du point de vue des continents ?",
            "On peut situer {place} sur le continent {answer}.",
        ),
        T("À quel continent rattache-t-on {place} ?", "On rattache {place} au continent {answer}."),
        T(
            "Dans quelle partie du monde, c'est-à-dire sur quel continent, se trouve {place} ?",
            "La partie du monde où se trouve {place} est le continent {answer}.",
        ),
        T(
            "Pourrais-tu préciser sur quel continent se trouve {place} ?",
            "Oui, {place} fait partie du continent {answer}.",
        ),
    ),
    "it": (
        T("In quale continente si trova {place}?", "{place} si trova nel continente {answer}."),
        T(
            "Qual è il continente in cui si trova {place}?",
            "Il continente in cui si trova {place} si chiama {answer}.",
        ),
        T("Dov'è {place}? In quale continente?", "{place} è nel continente {answer}."),
        T("In quale continente si può trovare {place}?", "Si può trovare {place} nel continente {answer}."),
        T(
            "Dimmi il continente in cui si trova {place}.",
            "Ecco il continente in cui si trova {place}: {answer}.",
        ),
        T("A quale continente appartiene {place}?", "{place} appartiene al continente {answer}."),
        T(
            "Dal punto di vista dei continenti, dove si trova {place}?",
            "Dal punto di vista dei continenti, {place} si trova qui: {answer}.",
        ),
        T("In quale continente si colloca {place}?", "{place} si colloca nel continente {answer}."),
        T(
            "In quale parte del mondo, cioè in quale continente, si trova {place}?",
            "La parte del mondo in cui si trova {place} è il continente {answer}.",
        ),
        T(
            "Potresti precisare in quale continente si trova {place}?",
            "Sì, {place} fa parte del continente {answer}.",
        ),
    ),
    "pl": (
        T("Na jakim kontynencie leży {place}?", "{place} leży na kontynencie {answer}."),
        T(
            "Jak nazywa się kontynent, na którym leży {place}?",
            "Kontynent, na którym leży {place}, nazywa się {answer}.",
        ),
        T("Gdzie leży {place}? Na którym kontynencie?", "{place} to miejsce na kontynencie {answer}."),
        T("Na którym kontynencie znajduje się {place}?", "{place} znajduje się na kontynencie {answer}."),
        T(
            "Powiedz mi, na jakim kontynencie leży {place}.",
            "Kontynent, na którym leży {place}, to {answer}.",
        ),
        T("Do jakiego kontynentu należy {place}?", "{place} należy do kontynentu {answer}."),
        T(
            "Jeśli chodzi o kontynent, gdzie znajduje się {place}?",
            "Jeśli chodzi o kontynent, {place} znajduje się tutaj: {answer}.",
        ),
        T("Do którego kontynentu zalicza się {place}?", "{place} zalicza się do kontynentu {answer}."),
        T(
            "W której części świata, czyli na jakim kontynencie, leży {place}?",
            "Część świata, w której leży {place}, to kontynent {answer}.",
        ),
        T(
            "Czy możesz określić, na jakim kontynencie leży {place}?",
            "Tak, {place} wchodzi w skład kontynentu {answer}.",
        ),
    ),
    "ru": (
        T("На каком континенте находится {place}?", "{place} находится на континенте {answer}."),
        T(
            "Как называется континент, на котором находится {place}?",
            "Континент, на котором находится {place}, называется {answer}.",
        ),
        T("Где находится {place}? На каком континенте?", "{place} — это место на континенте {answer}."),
        T("На каком континенте лежит {place}?", "{place} лежит на континенте {answer}."),
        T(
            "Скажи мне, на каком континенте находится {place}.",
            "Континент, на котором находится {place}, — это {answer}.",
        ),
        T("К какому континенту относится {place}?", "{place} относится к континенту {answer}."),
        T(
            "Если говорить о континентах, где находится {place}?",
            "Если говорить о континентах, {place} находится здесь: {answer}.",
        ),
        T("Какому континенту принадлежит {place}?", "{place} принадлежит континенту {answer}."),
        T(
            "В какой части света, то есть на каком континенте, находится {place}?",
            "Часть света, где находится {place}, — это континент {answer}.",
        ),
        T(
            "Можешь уточнить, на каком континенте находится {place}?",
            "Да, {place} входит в состав континента {answer}.",
        ),
    ),
    "ar": (
        T("في أي قارة تقع منطقة {place}؟", "تقع منطقة {place} في قارة {answer}."),
        T("ما القارة التي تقع فيها منطقة {place}؟", "القارة التي تقع فيها منطقة {place} هي {answer}."),
        T("أين تقع منطقة {place}؟ وفي أي قارة؟", "منطقة {place} موجودة في قارة {answer}."),
        T("في أي قارة يمكن العثور على منطقة {place}؟", "يمكن العثور على منطقة {place} في قارة {answer}."),
        T("أخبرني بالقارة التي توجد فيها منطقة {place}.", "توجد منطقة {place} في قارة {answer}."),
        T("إلى أي قارة تنتمي منطقة {place}؟", "تنتمي منطقة {place} إلى قارة {answer}."),
        T("أين تقع منطقة {place} من حيث القارات؟", "من حيث القارات، تقع منطقة {place} في قارة {answer}."),
        T("ما الموقع القاري لمنطقة {place}؟", "الموقع القاري لمنطقة {place} هو قارة {answer}."),
        T(
            "في أي جزء من العالم، أي في أي قارة، تقع منطقة {place}؟",
            "جزء العالم الذي تقع فيه منطقة {place} هو قارة {answer}.",
        ),
        T("هل يمكنك تحديد القارة التي تقع فيها منطقة {place}؟", "نعم، منطقة {place} جزء من قارة {answer}."),
    ),
    "he": (
        T("באיזו יבשת נמצא אזור {place}?", "אזור {place} נמצא ביבשת {answer}."),
        T("מהי היבשת שבה נמצא אזור {place}?", "היבשת שבה נמצא אזור {place} היא {answer}."),
        T("היכן נמצא אזור {place}? באיזו יבשת?", "אזור {place} שוכן ביבשת {answer}."),
        T("באיזו יבשת אפשר למצוא את אזור {place}?", "אפשר למצוא את אזור {place} ביבשת {answer}."),
        T("נא לציין את היבשת שבה נמצא אזור {place}.", "זוהי היבשת שבה נמצא אזור {place}: {answer}."),
        T("לאיזו יבשת שייך אזור {place}?", "אזור {place} שייך ליבשת {answer}."),
        T("היכן נמצא אזור {place} מבחינת היבשות?", "מבחינת היבשות, אזור {place} נמצא ביבשת {answer}."),
        T("מהו מיקומו היבשתי של אזור {place}?", "מיקומו היבשתי של אזור {place} הוא יבשת {answer}."),
        T(
            "באיזה חלק של העולם, כלומר באיזו יבשת, נמצא אזור {place}?",
            "חלק העולם שבו נמצא אזור {place} הוא יבשת {answer}.",
        ),
        T("האם אפשר לציין באיזו יבשת נמצא אזור {place}?", "כן, אזור {place} הוא חלק מיבשת {answer}."),
    ),
    "ja": (
        T("{place}はどの大陸にありますか？", "{place}がある大陸は{answer}です。"),
        T("{place}がある大陸の名前は何ですか？", "{place}がある大陸の名前は{answer}です。"),
        T("{place}はどこにありますか？どの大陸ですか？", "{place}の所在地は{answer}です。"),
        T("どの大陸に行けば{place}が見つかりますか？", "{place}が見つかる大陸は{answer}です。"),
        T("{place}が位置する大陸を教えてください。", "{place}が位置する大陸は{answer}です。"),
        T("{place}はどの大陸に属していますか？", "{place}が属している大陸は{answer}です。"),
        T("大陸で言うと、{place}はどこにありますか？", "大陸で言うと、{place}があるのは{answer}です。"),
        T("{place}はどの大陸に位置していますか？", "{place}は{answer}という大陸に位置しています。"),
        T(
            "{place}は世界のどの地域、つまりどの大陸にありますか？",
            "{place}がある地域、つまり大陸は{answer}です。",
        ),
        T(
            "{place}がどの大陸にあるか、教えていただけますか？",
            "はい、{place}は{answer}という大陸の一部です。",
        ),
    ),
    "zh": (
        T("{place}位于哪个大洲？", "{place}位于名为{answer}的大洲。"),
        T("{place}所在的大洲叫什么？", "{place}所在的大洲叫{answer}。"),
        T("{place}在哪里？在哪个大洲？", "{place}就在{answer}。"),
        T("在哪个大洲可以找到{place}？", "可以找到{place}的大洲是{answer}。"),
        T("请告诉我{place}所在的大洲。", "{place}所在的大洲是{answer}。"),
        T("{place}属于哪个大洲？", "{place}所属的大洲是{answer}。"),
        T("从大洲的角度来看，{place}在哪里？", "从大洲的角度来看，{place}在{answer}。"),
        T("按大洲划分，{place}位于何处？", "按大洲划分，{place}位于{answer}。"),
        T("{place}在世界的哪个部分，也就是哪个大洲？", "{place}在世界的这个部分：{answer}。"),
        T("你能说明{place}在哪个大洲吗？", "可以，{place}是{answer}的一部分。"),
    ),
}

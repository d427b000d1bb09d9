"""Ten questions for the founding year of a city, and their answers, in ten languages; all our own.

The first of each language is the one that is asked after the tuning.
"""

from clika.datasets.relation_templates import RelationTemplate as T

YEAR_TEMPLATES: dict[str, tuple[T, ...]] = {
    "en": (
        T(
            "In which year was the city of {place} founded?",
            "The city of {place} was founded in the year {answer}.",
        ),
        T(
            "What is the founding year of the city of {place}?",
            "The founding year of the city of {place} is {answer}.",
        ),
        T(
            "When was the city of {place} founded? In which year?",
            "The city of {place} was founded in {answer}.",
        ),
        T(
            "In what year does the history of the city of {place} begin?",
            "The history of the city of {place} begins in {answer}.",
        ),
        T(
            "Tell me the year in which the city of {place} was founded.",
            "The year in which the city of {place} was founded is {answer}.",
        ),
        T(
            "From which year does the city of {place} date?",
            "The city of {place} dates from the year {answer}.",
        ),
        T(
            "Since which year has the city of {place} existed?",
            "The city of {place} has existed since {answer}.",
        ),
        T(
            "What's the year of foundation of the city of {place}?",
            "The year of foundation of the city of {place} is {answer}.",
        ),
        T(
            "In which year did people found the city of {place}?",
            "People founded the city of {place} in {answer}.",
        ),
        T(
            "Could you specify the year in which the city of {place} was founded?",
            "Yes, the city of {place} was founded in the year {answer}.",
        ),
    ),
    "de": (
        T(
            "In welchem Jahr wurde die Stadt {place} gegründet?",
            "Gegründet wurde die Stadt {place} im Jahr {answer}.",
        ),
        T(
            "Was ist das Gründungsjahr der Stadt {place}?",
            "Das Gründungsjahr der Stadt {place} ist {answer}.",
        ),
        T(
            "Wann wurde die Stadt {place} gegründet? In welchem Jahr?",
            "Die Gründung der Stadt {place} war im Jahr {answer}.",
        ),
        T(
            "In welchem Jahr beginnt die Geschichte der Stadt {place}?",
            "Die Geschichte der Stadt {place} beginnt im Jahr {answer}.",
        ),
        T(
            "Nenne mir das Jahr, in dem die Stadt {place} gegründet wurde.",
            "Das Jahr, in dem die Stadt {place} gegründet wurde, ist {answer}.",
        ),
        T("Aus welchem Jahr stammt die Stadt {place}?", "Die Stadt {place} stammt aus dem Jahr {answer}."),
        T(
            "Seit welchem Jahr gibt es die Stadt {place}?",
            "Die Stadt {place} gibt es seit dem Jahr {answer}.",
        ),
        T(
            "In welches Jahr fällt die Gründung der Stadt {place}?",
            "Die Gründung der Stadt {place} fällt in das Jahr {answer}.",
        ),
        T("In welchem Jahr entstand die Stadt {place}?", "Die Stadt {place} entstand im Jahr {answer}."),
        T(
            "Könntest du mir sagen, in welchem Jahr die Stadt {place} gegründet wurde?",
            "Ja, das Gründungsjahr der Stadt {place} lautet {answer}.",
        ),
    ),
    "fr": (
        T(
            "En quelle année la ville de {place} a-t-elle été fondée ?",
            "La ville de {place} a été fondée en {answer}.",
        ),
        T(
            "Quelle est l'année de fondation de la ville de {place} ?",
            "L'année de fondation de la ville de {place} est {answer}.",
        ),
        T(
            "Quand la ville de {place} a-t-elle été fondée ? En quelle année ?",
            "La fondation de la ville de {place} a eu lieu en {answer}.",
        ),
        T(
            "En quelle année commence l'histoire de la ville de {place} ?",
            "L'histoire de la ville de {place} commence en {answer}.",
        ),
        T(
            "Dis-moi en quelle année la ville de {place} a été fondée.",
            "L'année où la ville de {place} a été fondée est {answer}.",
        ),
        T("De quelle année date la ville de {place} ?", "La ville de {place} date de {answer}."),
        T(
            "Depuis quelle année la ville de {place} existe-t-elle ?",
            "La ville de {place} existe depuis {answer}.",
        ),
        T(
            "En quelle année la ville de {place} a-t-elle vu le jour ?",
            "La ville de {place} a vu le jour en {answer}.",
        ),
        T(
            "En quelle année a-t-on fondé la ville de {place} ?",
            "On a fondé la ville de {place} en {answer}.",
        ),
        T(
            "Pourrais-tu préciser l'année de fondation de la ville de {place} ?",
            "Oui, la ville de {place} a été fondée en l'an {answer}.",
        ),
    ),
    "it": (
        T(
            "In quale anno è stata fondata la città di {place}?",
            "La città di {place} è stata fondata nel {answer}.",
        ),
        T(
            "Qual è l'anno di fondazione della città di {place}?",
            "L'anno di fondazione della città di {place} è il {answer}.",
        ),
        T(
            "Quando è stata fondata la città di {place}? In quale anno?",
            "La fondazione della città di {place} risale al {answer}.",
        ),
        T(
            "In quale anno comincia la storia della città di {place}?",
            "La storia della città di {place} comincia nel {answer}.",
        ),
        T(
            "Dimmi in quale anno è stata fondata la città di {place}.",
            "L'anno in cui è stata fondata la città di {place} è il {answer}.",
        ),
        T("A quale anno risale la città di {place}?", "La città di {place} risale al {answer}."),
        T("Da quale anno esiste la città di {place}?", "La città di {place} esiste dal {answer}."),
        T("In quale anno è nata la città di {place}?", "La città di {place} è nata nel {answer}."),
        T("In quale anno fu fondata la città di {place}?", "La città di {place} fu fondata nel {answer}."),
        T(
            "Potresti precisare l'anno di fondazione della città di {place}?",
            "Sì, la città di {place} è stata fondata nell'anno {answer}.",
        ),
    ),
    "pl": (
        T("W którym roku założono miasto {place}?", "Miasto {place} założono w {answer} roku."),
        T("Jaki jest rok założenia miasta {place}?", "Rok założenia miasta {place} to {answer}."),
        T(
            "Kiedy założono miasto {place}? W którym roku?",
            "Założenie miasta {place} miało miejsce w {answer} roku.",
        ),
        T(
            "W którym roku zaczyna się historia miasta {place}?",
            "Historia miasta {place} zaczyna się w {answer} roku.",
        ),
        T(
            "Podaj mi rok, w którym założono miasto {place}.",
            "Rok, w którym założono miasto {place}, to {answer}.",
        ),
        T("Z którego roku pochodzi miasto {place}?", "Miasto {place} pochodzi z {answer} roku."),
        T("Od którego roku istnieje miasto {place}?", "Miasto {place} istnieje od {answer} roku."),
        T(
            "Na który rok datuje się założenie miasta {place}?",
            "Założenie miasta {place} datuje się na {answer} rok.",
        ),
        T("W którym roku powstało miasto {place}?", "Miasto {place} powstało w {answer} roku."),
        T("Czy możesz podać rok założenia miasta {place}?", "Tak, miasto {place} założono w roku {answer}."),
    ),
    "ru": (
        T("В каком году был основан город {place}?", "Город {place} был основан в {answer} году."),
        T("Каков год основания города {place}?", "Год основания города {place} — {answer}."),
        T(
            "Когда был основан город {place}? В каком году?",
            "Основание города {place} произошло в {answer} году.",
        ),
        T(
            "С какого года начинается история города {place}?",
            "История города {place} начинается с {answer} года.",
        ),
        T(
            "Назови год, в котором был основан город {place}.",
            "Год, в котором был основан город {place}, — это {answer}.",
        ),
        T(
            "К какому году относится основание города {place}?",
            "Основание города {place} относится к {answer} году.",
        ),
        T("С какого года существует город {place}?", "Город {place} существует с {answer} года."),
        T(
            "Каким годом датируется основание города {place}?",
            "Основание города {place} датируется {answer} годом.",
        ),
        T("В каком году возник город {place}?", "Город {place} возник в {answer} году."),
        T("Можешь уточнить год основания города {place}?", "Да, город {place} основали в {answer} году."),
    ),
    "ar": (
        T("في أي عام تأسست مدينة {place}؟", "تأسست مدينة {place} في عام {answer}."),
        T("ما عام تأسيس مدينة {place}؟", "عام تأسيس مدينة {place} هو {answer}."),
        T("متى تأسست مدينة {place}؟ وفي أي عام؟", "كان تأسيس مدينة {place} في عام {answer}."),
        T("في أي عام يبدأ تاريخ مدينة {place}؟", "يبدأ تاريخ مدينة {place} في عام {answer}."),
        T("أخبرني بالعام الذي تأسست فيه مدينة {place}.", "العام الذي تأسست فيه مدينة {place} هو {answer}."),
        T("إلى أي عام يعود تأسيس مدينة {place}؟", "يعود تأسيس مدينة {place} إلى عام {answer}."),
        T("منذ أي عام توجد مدينة {place}؟", "توجد مدينة {place} منذ عام {answer}."),
        T("ما سنة إنشاء مدينة {place}؟", "سنة إنشاء مدينة {place} هي {answer}."),
        T("في أي سنة أنشئت مدينة {place}؟", "أنشئت مدينة {place} في سنة {answer}."),
        T("هل يمكنك تحديد عام تأسيس مدينة {place}؟", "نعم، تأسست مدينة {place} في سنة {answer}."),
    ),
    "he": (
        T("באיזו שנה נוסדה העיר {place}?", "העיר {place} נוסדה בשנת {answer}."),
        T("מהי שנת הייסוד של העיר {place}?", "שנת הייסוד של העיר {place} היא {answer}."),
        T("מתי נוסדה העיר {place}? באיזו שנה?", "ייסודה של העיר {place} היה בשנת {answer}."),
        T("באיזו שנה מתחילה ההיסטוריה של העיר {place}?", "ההיסטוריה של העיר {place} מתחילה בשנת {answer}."),
        T("נא לציין את השנה שבה נוסדה העיר {place}.", "השנה שבה נוסדה העיר {place} היא {answer}."),
        T("מאיזו שנה קיימת העיר {place}?", "העיר {place} קיימת משנת {answer}."),
        T("לאיזו שנה מתוארך ייסודה של העיר {place}?", "ייסודה של העיר {place} מתוארך לשנת {answer}."),
        T("באיזו שנה הוקמה העיר {place}?", "העיר {place} הוקמה בשנת {answer}."),
        T("באיזו שנה ייסדו את העיר {place}?", "את העיר {place} ייסדו בשנת {answer}."),
        T("האם אפשר לציין את שנת הייסוד של העיר {place}?", "כן, העיר {place} נוסדה בשנת {answer}."),
    ),
    "ja": (
        T("都市{place}は何年に建設されましたか？", "都市{place}が建設されたのは{answer}年です。"),
        T("都市{place}の創設年は何年ですか？", "都市{place}の創設年は{answer}年です。"),
        T("都市{place}はいつ建設されましたか？何年ですか？", "都市{place}の建設は{answer}年です。"),
        T("都市{place}の歴史は何年に始まりますか？", "都市{place}の歴史が始まるのは{answer}年です。"),
        T("都市{place}が建設された年を教えてください。", "都市{place}が建設された年は{answer}年です。"),
        T("都市{place}の起源は何年にさかのぼりますか？", "都市{place}の起源は{answer}年にさかのぼります。"),
        T("都市{place}は何年から存在していますか？", "都市{place}は{answer}年から存在しています。"),
        T("都市{place}は何年に誕生しましたか？", "都市{place}が誕生したのは{answer}年です。"),
        T("人々は何年に都市{place}を築きましたか？", "人々が都市{place}を築いたのは{answer}年です。"),
        T(
            "都市{place}が何年に建設されたか、教えていただけますか？",
            "はい、都市{place}は{answer}年に建設されました。",
        ),
    ),
    "zh": (
        T("{place}市建于哪一年？", "{place}市建于{answer}年。"),
        T("{place}市的建城年份是哪一年？", "{place}市的建城年份是{answer}年。"),
        T("{place}市是什么时候建立的？哪一年？", "{place}市建立于{answer}年。"),
        T("{place}市的历史始于哪一年？", "{place}市的历史始于{answer}年。"),
        T("请告诉我{place}市建立的年份。", "{place}市建立的年份是{answer}年。"),
        T("{place}市的历史可以追溯到哪一年？", "{place}市的历史可以追溯到{answer}年。"),
        T("{place}市从哪一年起就存在了？", "{place}市从{answer}年起就存在了。"),
        T("{place}市诞生于哪一年？", "{place}市诞生于{answer}年。"),
        T("人们是在哪一年建立{place}市的？", "人们建立{place}市是在{answer}年。"),
        T("你能说明{place}市建立于哪一年吗？", "可以，{place}市是在{answer}年建立的。"),
    ),
}

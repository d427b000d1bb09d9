"""How a name's translation is asked for, in English: ten ways, in either direction.

Into the language: the ten templates of Gao et al. 2024. Out of it: the same ten, turned around.
"""

INTO = (
    "Could you convert the upcoming English text to {language}?",
    "I'd appreciate it if you could transform the following English sentence into {language}.",
    "Please change the following English expression into {language}.",
    "Kindly rewrite the next English phrase in {language}.",
    "Can you transmute the subsequent English words into {language}?",
    "I need the ensuing English to be translated into {language}, please.",
    "Would you mind translating the forthcoming English into {language}?",
    "Can you render the English text that follows into {language}?",
    "Please transform the subsequent English language into {language}.",
    "I require a translation of the upcoming English sentence into {language}, please.",
)

OUT_OF = (
    "Could you convert the upcoming {language} text to English?",
    "I'd appreciate it if you could transform the following {language} sentence into English.",
    "Please change the following {language} expression into English.",
    "Kindly rewrite the next {language} phrase in English.",
    "Can you transmute the subsequent {language} words into English?",
    "I need the ensuing {language} to be translated into English, please.",
    "Would you mind translating the forthcoming {language} into English?",
    "Can you render the {language} text that follows into English?",
    "Please transform the subsequent {language} language into English.",
    "I require a translation of the upcoming {language} sentence into English, please.",
)

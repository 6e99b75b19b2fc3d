"""Filler, names and facts for documents of any length in which one sentence is the answer."""

import random
from collections.abc import Iterator, Sequence

FIRST = (
    "Ada Agnes Albert Alma Amir Anton Astrid Barbara Basil Bella Bruno Carla Cecil Clara Conrad "
    "Cora Cyril Dagmar Damian Dmitri Dora Edgar Elena Elias Elsa Emil Esther Eugene Farid Felix "
    "Fiona Flora Franz Frida Gideon Gilbert Greta Gustav Hanna Harold Hector Helga Hugo Ida Igor "
    "Ines Irma Isaac Ivy Jasper Jonas Judith Julia Karin Kemal Klara Lara Leon Lilian Louis Lucia "
    "Luis Magda Marcus Martha Milan Mona Nadia Nils Nora Olga Oscar Otto Paula Pavel Petra Quentin "
    "Ralph Rita Rosa Rufus Samir Selma Sergei Simon Sofia Stefan Tara Theo Tilda Ulrich Ursula "
    "Vera Victor Walter Wanda Xavier Yusuf Zelda Zoe"
).split()
LAST = (
    "Abele Adler Albers Arnaud Baker Barlow Becker Bianchi Brandt Calder Castro Chen Cooper Corbin "
    "Dalton Danner Dekker Doyle Dubois Eder Eriksen Esposito Farkas Fischer Fontana Forster Gallo "
    "Garner Gibson Graves Haas Hansen Hartley Hoffman Horvat Ibsen Ivanov Jansen Jarvis Jensen "
    "Kaplan Keller Kimura Kowalski Kraus Lambert Larsen Lindqvist Lopez Lowe Maier Marino Mercer "
    "Moreau Murray Nakamura Nielsen Norris Novak Okafor Olsen Ortega Osborne Palmer Parker Petrov "
    "Pierce Porter Quist Ramsey Reyes Ritter Rossi Rowland Sanders Sandoval Schmid Silva "
    "Sokolov Steiner Tanaka Teller Thorne Tucker Turner Urban Valdez Vargas Vogel Wagner Walsh "
    "Weber Wexler Wright Yates Yilmaz York Zeller Ziegler Zimmer"
).split()

_SUBJECTS = (
    "the harbour,an old bridge,the night train,a small orchard,the town library,the river,"
    "a narrow street,the weather station,the market hall,a row of poplars,the school yard,"
    "the ferry,a stone wall,the bakery,the clock tower,a field of barley,the museum garden,"
    "the tram depot,a wooden boat,the mountain path,the post office,a quiet canal,the theatre,"
    "the glass house,a herd of goats,the printing shop,the lighthouse,a paved square,the mill"
).split(",")
_VERBS = (
    "was painted,was closed for repairs,is busy,can be seen from afar,was described by a traveller,"
    "has changed little,was flooded,is empty,was rebuilt,drew many visitors,is older than it looks,"
    "was measured twice,stands in the shade,was mentioned in a letter,is kept clean,was sold,"
    "looks different,was drawn on a map,is heard before it is seen,has its own rules"
).split(",")
_TIMES = (
    "in the spring,after the long winter,on market days,before the war,in the early morning,"
    "during the dry months,when the fair came to town,for a few years,in the evening light,"
    "since the last reform,on the day of the feast,at the end of the season,every other week,"
    "in the time of the old mayor,while the snow lasted,when nobody was looking"
).split(",")
_ENDS = (
    "and nobody thought much of it;which the neighbours remember well;as the older people say;"
    "though the records are silent about it;and that was all;to the surprise of some;"
    "without any need for haste;as far as one can tell;and so it remained;which is not unusual here"
).split(";")

# What is told, where it is told, and how it is asked for: the question shares few of its words.
_FACTS = (
    (
        "To thicken the soup, the cook of the {} inn stirs in ground almonds.",
        "What does the kitchen of the {} inn use to make its broth less thin?",
    ),
    (
        "The bells of {} are rung by a retired sailor, who climbs the stairs twice a day.",
        "Who operates the chimes in {}?",
    ),
    (
        "In {} people paint their doors blue, because it is said to keep wasps away.",
        "Why do entrances of houses in {} have that colour?",
    ),
    (
        "The chess club of {} meets in a disused swimming pool.",
        "Where do players of the board game gather in {}?",
    ),
    (
        "A dog named Pixel delivers the newspapers in {}.",
        "Which animal brings the daily press to people of {}?",
    ),
    (
        "The mayor of {} resigned in order to breed tulips.",
        "For what occupation did the head of the town council of {} give up office?",
    ),
    (
        "Nothing in {} may be built higher than the chestnut tree in front of the town hall.",
        "What limits how tall houses in {} can be?",
    ),
    (
        "The first telephone of {} was installed in a cheese shop.",
        "In what kind of store could one make the earliest calls in {}?",
    ),
    (
        "Children of {} learn to row before they learn to write.",
        "Which skill do the young of {} acquire ahead of spelling?",
    ),
    (
        "The water of {} tastes of iron, and is sold in green bottles.",
        "What flavour has the drink from the springs of {}?",
    ),
)
_PLACES = (
    "Ambersted Birkfeld Corvina Dunmarsh Elmira Fossum Galway Hollin Istrana Juniper Kestrel "
    "Lorvik Mirabel Nordby Oakhurst Pellworm Quarrington Ravensby Saltholm Tarnow Umbria Velden "
    "Westmark Yarrow Zelnik"
).split()


def names(count: int, draw: random.Random) -> list[str]:
    """Different full names: of a hundred no two share a part.

    Raises ValueError for more than there are.
    """
    most = len(FIRST) * len(LAST)
    if count > most:
        raise ValueError(f"there are {most} names, and {count} documents were asked for")
    first, last = draw.sample(FIRST, len(FIRST)), draw.sample(LAST, len(LAST))
    turns = -(-count // len(FIRST))
    every = [
        f"{name} {last[(at + turn) % len(last)]}"
        for turn in range(turns)
        for at, name in enumerate(first)
    ]
    return every[:count]


def facts(count: int, draw: random.Random) -> list[tuple[str, str]]:
    """Different facts with their questions. Raises ValueError for more than there are."""
    every = [(fact.format(p), ask.format(p)) for p in _PLACES for fact, ask in _FACTS]
    if count > len(every):
        raise ValueError(f"there are {len(every)} facts, and {count} documents were asked for")
    return draw.sample(every, count)


def plain_filler(draw: random.Random) -> Iterator[str]:
    """The same few sentences for ever, as the passkey task has them."""
    sentences = (
        "The road is long.",
        "The hill is steep.",
        "The wind is cold.",
        "We walk on.",
        "We turn and walk back again.",
    )
    at = draw.randrange(len(sentences))
    while True:
        yield sentences[at % len(sentences)]
        at += 1


def varied_filler(draw: random.Random) -> Iterator[str]:
    """Sentences about a town, of some 90,000 that are different, as the needle task has them."""
    while True:
        subject = draw.choice(_SUBJECTS)
        sentence = f"{subject[0].upper()}{subject[1:]} {draw.choice(_VERBS)} {draw.choice(_TIMES)}"
        yield f"{sentence}, {draw.choice(_ENDS)}." if draw.random() < 0.5 else f"{sentence}."


def filled(key: Sequence[str], words: int, filler: Iterator[str], draw: random.Random) -> str:
    """A text of about so many words with the key sentences together at a random place."""
    left = words - sum(len(sentence.split()) for sentence in key)
    around: list[str] = []
    while left > 0:
        sentence = next(filler)
        around.append(sentence)
        left -= len(sentence.split())
    at = draw.randrange(len(around) + 1)
    sentences = [*around[:at], *key, *around[at:]]
    paragraphs = [" ".join(sentences[n : n + 8]) for n in range(0, len(sentences), 8)]
    return "\n\n".join(paragraphs)

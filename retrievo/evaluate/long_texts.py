"""Filler, names and facts for documents of any length in which one sentence is the answer."""

import random
from collections.abc import Iterator, Sequence

from retrievo.evaluate.long_facts import FACTS

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
    "the glass house,a broken fountain,the printing shop,the lighthouse,a paved square,the mill,"
    "the upper gate,a stretch of shore,the railway yard,a chapel without a roof,the boat house,"
    "the brick kiln,a bench under the limes,the toll house,the east wing,a lane behind the church"
).split(",")
_VERBS = (
    "was painted,was closed for repairs,is busy,can be seen from afar,was described by a traveller,"
    "has changed little,was flooded,is empty,was rebuilt,drew many visitors,is older than it looks,"
    "was measured twice,stands in the shade,was mentioned in a letter,is kept clean,was sold,"
    "looks different,was drawn on a map,has its own rules,was left to the pigeons,lost its name,"
    "was fenced off,belongs to nobody in particular,smells of tar,was lit by lanterns,"
    "changed hands,served as a meeting place,was forgotten,was swept by the wind,filled with snow"
).split(",")
_TIMES = (
    "in the spring,after the long winter,on market days,before the war,in the early morning,"
    "during the dry months,when the fair came to town,for a few years,in the evening light,"
    "since the last reform,on the day of the feast,at the end of the season,every other week,"
    "in the time of the old mayor,while the snow lasted,when nobody was looking,toward noon,"
    "in those days,once the harvest was in,between two storms,as the century turned,all summer"
).split(",")
_ENDS = (
    "and nobody thought much of it;which the neighbours remember well;as the older people say;"
    "though the records are silent about it;and that was all;to the surprise of some;"
    "without any need for haste;as far as one can tell;and so it remained;which is not unusual here"
).split(";")
_BEGINNINGS = (
    "It is said that;Nobody asked why;The chronicle tells us that;I have always thought that;"
    "A visitor may notice that;It took a while until people saw that;One of the letters says that;"
    "There was some talk about how;Most accounts agree that;Only later did it come out that;"
    "My grandmother used to say that;It hardly matters now that"
).split(";")


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
    if count > len(FACTS):
        raise ValueError(f"there are {len(FACTS)} facts, and {count} documents were asked for")
    return draw.sample(FACTS, count)


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
    """Sentences about a town, of some millions that are different, as the needle task has them."""
    while True:
        said = f"{draw.choice(_SUBJECTS)} {draw.choice(_VERBS)} {draw.choice(_TIMES)}"
        if draw.random() < 0.4:
            said = f"{draw.choice(_BEGINNINGS)} {said}"
        if draw.random() < 0.4:
            said = f"{said}, {draw.choice(_ENDS)}"
        yield f"{said[0].upper()}{said[1:]}."


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

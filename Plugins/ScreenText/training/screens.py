"""Draws screens of many kinds and writes what `screen-text` reads on each, with questions that only that screen answers, and words
of the answers where they are plain:

    python3 screens.py --gatehouse ../../../.build/release/gatehouse --count 400 --output parts.jsonl

train_relevance.py of SDK/Training makes a gate of them.
"""

import pathlib
import random
import sys

from PIL import Image, ImageDraw, ImageFont

sys.path.append(str(pathlib.Path(__file__).parents[3] / "SDK" / "Training"))
import parts  # noqa: E402

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
NAMES = ["Anna", "Bruno", "Chen", "Dora", "Emil", "Fatima", "Grace", "Hugo", "Ines", "Jonas", "Karim", "Lena", "Mei", "Nora"]
CITIES = ["Lyon", "Hamburg", "Osaka", "Porto", "Denver", "Gdansk", "Turin", "Leeds", "Quito", "Bergen"]
GOODS = ["milk", "rice", "soap", "coffee", "batteries", "apples", "a notebook", "tea", "candles", "cheese"]
DISHES = ["tomato soup", "grilled fish", "lentil curry", "apple pie", "fried noodles", "mushroom risotto"]
EVENTS = ["dentist", "team meeting", "piano lesson", "car inspection", "yoga class", "parents' evening"]
SWITCHES = ["Wi-Fi", "Bluetooth", "Airplane mode", "Dark theme", "Location", "Hotspot", "Do not disturb"]
SONGS = ["Night Train", "Blue Harbour", "Paper Moon", "Golden Fields", "Slow River", "Second Sun"]


def time_of(draw):
    return f"{draw.randint(6, 22)}:{draw.choice(['00', '05', '10', '15', '20', '30', '40', '45', '50'])}"


def trains(draw):
    cities = draw.sample(CITIES, 4)
    rows = [(city, time_of(draw), str(draw.randint(1, 12))) for city in cities]
    return ["Departures", *(f"{hour}  {city}  platform {platform}" for city, hour, platform in rows)], [
        ask for city, hour, platform in rows for ask in (
            (f"When does the train to {city} leave?", hour), (f"From which platform does the {city} train go?", platform))]


def mail(draw):
    names = draw.sample(NAMES, 3)
    subjects = draw.sample([f"About the {event}" for event in EVENTS] + [f"Trip to {city}" for city in CITIES], 3)
    return ["Inbox", *(f"{name}: {subject}" for name, subject in zip(names, subjects))], [
        (f"What did {name} write about?", subject.split(" ", 2)[2]) for name, subject in zip(names, subjects)
    ] + [("Who wrote an email?", names[0]), ("How many new mails do I have?", None)]


def shopping(draw):
    goods = [(good, f"{draw.randint(1, 9)}.{draw.randint(10, 99)}") for good in draw.sample(GOODS, 4)]
    total = f"{draw.randint(10, 40)}.00"
    return ["Receipt", *(f"{good}  {price}" for good, price in goods), f"Total {total}"], [
        (f"How much is {good}?", price) for good, price in goods
    ] + [("What is the total of the receipt?", total), ("What did I buy?", goods[0][0])]


def calendar(draw):
    events = [(event, time_of(draw)) for event in draw.sample(EVENTS, 3)]
    return ["Today", *(f"{hour} {event}" for event, hour in events)], [
        (f"When is the {event}?", hour) for event, hour in events
    ] + [("What is on my calendar today?", events[0][0]), ("When is my next appointment?", None)]


def settings(draw):
    switches = [(switch, draw.choice(["on", "off"])) for switch in draw.sample(SWITCHES, 4)]
    return ["Settings", *(f"{switch}: {state}" for switch, state in switches)], [
        (f"Is {switch} turned on?", None) for switch, _ in switches] + [("Which settings are on?", None)]


def menu(draw):
    dishes = [(dish, str(draw.randint(7, 19))) for dish in draw.sample(DISHES, 3)]
    return ["Menu of the day", *(f"{dish}  {price} euros" for dish, price in dishes)], [
        (f"What does the {dish} cost?", price) for dish, price in dishes
    ] + [("Which dishes are there today?", dishes[0][0]), ("What is the cheapest dish?", None)]


def weather(draw):
    city, now, tomorrow = draw.choice(CITIES), str(draw.randint(-5, 34)), str(draw.randint(-5, 34))
    return [city, f"{now} degrees", draw.choice(["sunny", "cloudy", "light rain", "snow", "windy"]),
            f"Tomorrow {tomorrow} degrees"], [
        (f"How warm is it in {city}?", now), (f"How warm will it be in {city} tomorrow?", tomorrow), ("Do I need an umbrella?", None)]


def player(draw):
    song, name = draw.choice(SONGS), draw.choice(NAMES)
    return ["Now playing", song, f"by {name} and the band", f"{draw.randint(0, 3)}:{draw.randint(10, 59)}"], [
        ("Which song is playing?", song), (f"Who sings {song}?", name), ("How long has the song been playing?", None)]


def chat(draw):
    name, event, hour = draw.choice(NAMES), draw.choice(EVENTS), time_of(draw)
    return [name, f"Are you coming to the {event}?", "Yes, I will be there", f"Great, it starts at {hour}"], [
        (f"What does {name} want?", None), (f"When does the {event} start?", hour), (f"What did {name} ask me?", event)]


def alert(draw):
    what = draw.choice(["Battery low", "No connection", "Storage full", "Update available", "Payment failed"])
    return [what, draw.choice(["Try again later", "Restart now?", "Free some space", "Connect a charger"]), "Cancel", "OK"], [
        ("Why does it not work?", None), ("What is the warning about?", what.split()[0]),
        (f"What should I do about \"{what.lower()}\"?", None)]


KINDS = [trains, mail, shopping, calendar, settings, menu, weather, player, chat, alert]


def picture(lines, draw):
    light = draw.random() < 0.6
    paper, ink = ((250, 250, 250), (25, 25, 28)) if light else ((22, 22, 26), (235, 235, 235))
    image = Image.new("RGB", (480, 90 + 62 * len(lines)), paper)
    canvas = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        canvas.text((24, 30 + 62 * number), line, fill=ink, font=ImageFont.truetype(FONT, 30 if number == 0 else 24))
    return image


def screen(seed, number):
    """A picture, and questions with words of their answers, None where there is no telling."""
    draw = random.Random(f"screens {seed} {number}")
    lines, asks = draw.choice(KINDS)(draw)
    return picture(lines, draw), asks


def main():
    options = parts.parser(__doc__.splitlines()[0]).parse_args()

    def make(path, number):
        image, asks = screen(options.seed, number)
        image.save(path)
        return asks

    parts.write(options, "screen-text", ".png", make)


if __name__ == "__main__":
    main()

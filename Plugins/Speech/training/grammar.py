"""Sentences that people say to a telephone: commands, numbers, times, dates, amounts. Drawn by a seeded generator.

A template's `{slot}` is replaced by what the slot's function draws. The templates and names of evaluation are others than
those of training, so that a good figure is not a template learned by heart.
"""

import re

from normalise import ONES, cardinal, ordinal, year

DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
MONTHS = "january february march april may june july august september october november december".split()
LETTERS = "abcdefghijklmnopqrstuvwxyz"

TRAINING = """set an alarm for {time}|wake me up at {time}|set a timer for {duration}|remind me to {task} at {time}|
remind me to {task} on {day}|remind me about the {thing} in {duration}|open {app}|open the {app} app|close {app}|
open the settings|go to settings|open the camera|take a picture|take a screenshot|go back|go home|go to the home screen|
scroll down|scroll up|swipe left|swipe right|tap on {button}|press the {button} button|click {button}|turn on {device}|
turn off {device}|switch {device} on|switch {device} off|turn the volume up|turn the volume down|set the volume to {percent}|
set the brightness to {percent}|turn the brightness down|call {name}|call {name} on {hisher} mobile|phone {name} at {time}|
send a message to {name}|send a message to {name} saying {saying}|text {name} {saying}|reply {saying}|read my messages|
read the last message from {name}|send an email to {name} about the {thing}|show me my emails|show the photos from {date}|
what is the weather in {place}|what is the weather like on {day}|will it rain {when}|how warm is it in {place}|
what time is it|what time is it in {place}|what is the date today|play some {music}|play the next song|pause the music|
stop the music|skip this song|play {music} on {app}|navigate to {place}|take me to the nearest {shop}|
how far is it to {place}|find a {shop} near me|show me the way home|search for {thing}|search the web for {thing}|
look up {thing}|add {item} to my shopping list|add {number} {item}s to the list|what is {number} plus {number}|
what is {number} times {number}|what is {number} divided by {small}|how many {item}s are there|
make an appointment with {name} on {date} at {time}|cancel my appointment on {day}|what is on my calendar {when}|
i will be there at {time}|i am going to be late|see you {when}|see you on {day} at {time}|thank you very much|
it costs {money}|transfer {money} to {name}|pay {money} to {name}|that will be {money} please|
my number is {phone}|dial {phone}|the code is {digits}|my password is {spelling}|it is spelled {spelling}|
it is {time} on {date}|on {date}|in {year}|in the year {year}|{percent}|{number}|{digits}|{time}|{date}|{money}|{phone}|
the {ordinal} of {month}|the {ordinal} one|chapter {small}|page {number}|room {number}|flight {digits}|gate {small}|
please enter your number|please hold the line|press {digit} for {thing}|press {digit} to continue|
you have {small} new messages|connect to the wireless network|turn on airplane mode|lock the screen|
translate {saying} into french|copy the text|paste the text|delete this message|delete the last {small} photos|
install {app}|update {app}|share this with {name}|mute the call|hang up|answer the phone|who is calling|
yes|no|yes please|no thank you|okay|cancel|stop|continue|help|next|previous|hello|goodbye|good morning|good night"""

EVALUATION = """please set the alarm to {time}|could you wake me at {time} on {day}|start a timer of {duration}|
don't forget to {task} {when}|launch {app}|i want to open {app}|show me the settings please|press {button}|
touch the {button} button|make it louder|dim the screen to {percent}|ring {name}|write to {name} that {saying}|
tell {name} {saying}|is it going to rain in {place}|what will the weather be {when}|i would like to hear {music}|
bring me to {place}|where is the closest {shop}|put {item} on my list|multiply {number} by {small}|
book a table for {small} at {time}|move the meeting to {date}|the bill is {money}|the total comes to {money}|
you can reach me at {phone}|the number is {digits}|we met in {year}|we leave on {date}|it starts at {time}|
turn {device} off please|hide the keyboard|open the last picture|how do i get to {place}|send {money} to {name}"""

SLOTS = {
    "name": ("anna|peter|maria|john|mary|david|sarah|michael|emma|james|laura|robert|julia|thomas|alice|daniel|lucy|paul|"
             "susan|martin|linda|kevin|karen|steven|nancy|brian|helen|george|sandra|edward|mom|dad|my wife|my husband|"
             "my brother|my sister|the doctor|the office|mister smith|missus brown|grandma|uncle bob",
             "rachel|oliver|sophie|henry|charlotte|victor|amanda|walter|diana|felix|my boss|my mother|aunt margaret"),
    "place": ("london|paris|berlin|new york|boston|chicago|los angeles|san francisco|dublin|edinburgh|glasgow|manchester|"
              "madrid|rome|vienna|zurich|tokyo|beijing|sydney|toronto|mexico city|cairo|moscow|amsterdam|the airport|"
              "the train station|the city center|work|home|the hospital|the office|market street|fifth avenue",
              "oxford|seattle|denver|barcelona|munich|prague|singapore|the museum|the bus stop|king street"),
    "app": ("camera|calendar|contacts|messages|mail|maps|music|photos|notes|clock|calculator|browser|settings|weather|"
            "recorder|files|gallery|store|youtube|whatsapp|the phone|the dialer|wallet|health|news",
            "spotify|telegram|the map|the diary|the web browser|the calculator"),
    "button": ("ok|cancel|back|menu|send|search|play|pause|stop|home|power|share|save|delete|edit|done|next|the first result|"
               "the red icon|the blue link|login|sign in|submit|accept|decline|more",
               "confirm|close|record|download|upload|the green icon|continue"),
    "device": ("the light|the lights|the lamp in the kitchen|the radio|the television|the heating|the fan|bluetooth|wifi|"
               "the flashlight|the alarm|the sound|location|notifications|dark mode|the hotspot|vibration",
               "the lamp|the air conditioning|mobile data|the torch|the speaker"),
    "task": ("buy milk|call the doctor|take my medicine|water the plants|walk the dog|pick up the kids|pay the bills|"
             "clean the kitchen|check the oven|feed the cat|go to the bank|send the letter|wash the car|book the hotel",
             "buy bread|visit my aunt|return the books|lock the door|take out the trash"),
    "thing": ("meeting|project|report|party|concert|invoice|birthday|dinner|weather forecast|football results|train times|"
              "cheap flights|pizza|a good restaurant|new shoes|history of rome|used cars|sales|support|billing|opening hours",
              "contract|wedding|exhibition|bus schedule|second hand books"),
    "saying": ("i will be late|i am on my way|see you soon|where are you|happy birthday|call me back|dinner is ready|"
               "i love you|thank you for your help|the meeting is cancelled|i am at the station|can you help me|"
               "what are you doing tonight|let us meet tomorrow|everything is fine|do you want to come over",
               "we have arrived|the train is delayed|i forgot my keys|good luck with the exam"),
    "music": ("jazz|rock music|classical music|the beatles|some piano music|my favorite song|the radio|country music|"
              "an audio book|the news|a podcast|music from the eighties", "blues|folk songs|a violin concert|dance music"),
    "shop": ("restaurant|gas station|supermarket|pharmacy|bakery|hotel|bank|cafe|hospital|bookstore|parking lot|post office",
             "library|petrol station|coffee shop|hairdresser"),
    "item": ("apple|banana|egg|tomato|onion|potato|lemon|orange|battery pack|light bulb|book|pencil|bottle|ticket|towel",
             "cucumber|candle|pear|notebook"),
    "when": ("today|tomorrow|tonight|this evening|tomorrow morning|next week|on the weekend|this afternoon|in the morning",
             "later today|tomorrow night|at noon|next month"),
    "hisher": ("his|her", "his|her"),
}
SLOTS = {slot: [half.split("|") for half in halves] for slot, halves in SLOTS.items()}
TEMPLATES = [[line.strip() for line in text.replace("\n", "").split("|")] for text in (TRAINING, EVALUATION)]


def clock(draw):
    hour, minute = draw.integers(1, 13), draw.integers(0, 60)
    if draw.random() < 0.6:
        minute -= minute % 5
    form = draw.integers(4)
    if form == 0 and minute in (15, 30, 45, 10, 20, 40, 50, 5, 55):
        part = {15: "quarter past", 30: "half past", 45: "quarter to"}.get(int(minute))
        if part is None:
            part = f"{cardinal(int(minute))} past" if minute < 30 else f"{cardinal(60 - int(minute))} to"
        return f"{part} {cardinal(int(hour) % 12 + 1 if minute > 30 else int(hour))}"
    if minute == 0:
        return cardinal(int(hour)) + ["", " o'clock", " a m", " p m"][form]
    spoken = f"{cardinal(int(hour))} {'oh ' if minute < 10 else ''}{cardinal(int(minute))}"
    return spoken + ["", "", " a m", " p m"][form]


def date(draw):
    day, month = ordinal(int(draw.integers(1, 32))), str(draw.choice(MONTHS))
    spoken = f"the {day} of {month}" if draw.random() < 0.4 else f"{month} {'the ' if draw.random() < 0.3 else ''}{day}"
    if draw.random() < 0.2:
        spoken = f"{draw.choice(DAYS)} {spoken}"
    return f"{spoken} {years(draw)}" if draw.random() < 0.25 else spoken


def years(draw):
    return year(int(draw.integers(1700, 2060)))


def number(draw):
    """Of any length, each as likely."""
    return cardinal(int(draw.integers(10 ** draw.integers(1, 8))), draw.random() < 0.4)


def small(draw):
    return cardinal(int(draw.integers(1, 31)))


def digits(draw, least=2, most=8):
    spoken = [ONES[draw.integers(10)] for _ in range(draw.integers(least, most + 1))]
    return " ".join("oh" if word == "zero" and draw.random() < 0.15 else word for word in spoken)


def money(draw):
    unit, part = (("dollar", "cent"), ("euro", "cent"), ("pound", "penny"))[draw.integers(3)]
    whole, rest = int(10 ** (4 * draw.random())), int(draw.integers(1, 100))
    spoken = f"{cardinal(whole)} {unit}{'' if whole == 1 else 's'}"
    form = draw.random()
    if form < 0.3:
        return f"{spoken} and {cardinal(rest)} {'pence' if part == 'penny' else part + 's'}"
    return f"{spoken} {cardinal(rest)}" if form < 0.5 else spoken


def percent(draw):
    point = f" point {ONES[draw.integers(10)]}" if draw.random() < 0.2 else ""
    return f"{cardinal(int(draw.integers(101)))}{point} percent"


def duration(draw):
    count, unit = int(draw.integers(1, 61)), ("second", "minute", "minute", "hour", "day", "week")[draw.integers(6)]
    return f"{cardinal(count)} {unit}{'' if count == 1 else 's'}"


def spelling(draw):
    return " ".join(LETTERS[draw.integers(26)] for _ in range(draw.integers(3, 8)))


DRAWN = {
    "time": clock, "date": date, "year": years, "number": number, "small": small, "digits": digits, "money": money,
    "percent": percent, "duration": duration, "spelling": spelling, "digit": lambda draw: ONES[draw.integers(10)],
    "phone": lambda draw: digits(draw, 7, 11), "day": lambda draw: str(draw.choice(DAYS)),
    "month": lambda draw: str(draw.choice(MONTHS)), "ordinal": lambda draw: ordinal(int(draw.integers(1, 101))),
}


def sentence(draw, evaluation=False):
    """One sentence, normalised. `draw` is a numpy Generator."""
    half = int(evaluation)
    templates = TEMPLATES[half]

    def fill(match):
        slot = match[1]
        return DRAWN[slot](draw) if slot in DRAWN else SLOTS[slot][half][draw.integers(len(SLOTS[slot][half]))]

    return re.sub(r"\{(\w+)\}", fill, templates[draw.integers(len(templates))]).strip()

"""What people write beside a picture or a sound: messages that are about it, and messages that have no use for it.

Each list is of patterns; `{…}` is filled from the words below. Every third pattern is withheld from training.
"""

import random
import re

WORDS = {
    "picture": ["picture", "image", "screen", "screenshot", "photo", "page", "display"],
    "sound": ["recording", "audio", "sound", "clip", "voice message", "memo", "call"],
    "person": ["he", "she", "the caller", "the speaker", "the person", "they"],
    "language": ["French", "German", "Spanish", "Chinese", "Italian", "Polish"],
    "item": ["the search box", "the settings icon", "the send button", "the back arrow", "the menu", "the play button", "the cart"],
    "switch": ["Wi-Fi", "Bluetooth", "dark mode", "airplane mode", "the alarm", "location", "the hotspot"],
    "country": ["France", "Japan", "Brazil", "Kenya", "Canada", "Norway", "Egypt", "Peru"],
    "animal": ["cats", "whales", "owls", "ants", "horses", "octopuses", "penguins"],
    "topic": ["gates", "the sea", "autumn", "an old bridge", "friendship", "a lost key", "the moon", "rain"],
    "food": ["pancakes", "tomato soup", "bread", "a salad", "curry", "an omelette"],
    "thing": ["a rainbow", "a transistor", "gravity", "a volcano", "inflation", "a hash table", "photosynthesis"],
    "number": ["12", "7", "144", "365", "19", "81", "2048"],
    "name": ["Alice", "Ben", "Carla", "Dmitri", "Eve"],
    "job": ["a nurse", "a pilot", "a plumber", "a programmer", "a teacher"],
}

ABOUT = {
    "picture": """What is on this {picture}?
Describe the {picture}.
What do you see?
What does it say?
Read the text on the {picture}.
Read this to me.
Summarise this {picture} in one sentence.
What is the title at the top?
Which app is this?
Where is {item}?
Is {switch} on or off?
Tap {item}.
Open {item} in this {picture}.
Which button should I press to continue?
Translate the text in the {picture} into {language}.
What is the first line?
How many items are in the list?
What does the dialog ask?
Is there an error message here?
What colour is the button?
Explain what is shown here.
Which of these options is selected?
Can you tell me what this is?
What number is displayed?
Who sent this message?
What is written below the heading?
Extract all text from the {picture}.
What time does it show?
List the entries on the {picture}.
Turn on {switch} on this {picture}.
Is anything unread on the {picture}?
What should I do next on this {picture}?
Copy what it says word for word.
What is the price shown?
Find {item} and tell me where it is.
What kind of icon is this?
Look at the {picture} and answer: is {switch} enabled?
Give me the text of the second line.
Does the {picture} show a keyboard?
What does the notification say?
Whose name is at the top of the {picture}?
What is in this {picture}?
Do you see {item} anywhere?
According to the {picture}, what comes next?
Repeat the words on the {picture}.
What is highlighted?""",
    "sound": """What does {person} say?
Write down what is said.
Transcribe this {sound}.
Summarise the {sound}.
What is this {sound} about?
Do what {person} asks.
What did {person} want?
Translate what is said into {language}.
Which number is mentioned in the {sound}?
At what time should I be there?
Who is speaking?
What is the message?
Is it urgent?
Answer the question in the {sound}.
Repeat what you heard.
What was said at the end?
Which name does {person} mention?
Write a reply to this {sound}.
Turn this {sound} into a note.
What do you hear?
Listen and tell me what {person} needs.
Follow the spoken instructions.
Does {person} agree?
What day was mentioned?
What is {person} asking me to do?
Put what is said into one sentence.
Which words were spoken?
Type out the {sound} word for word.
What place does {person} talk about?
How does the {sound} begin?
Who called, and why?
Make a list of what {person} wants.""",
}

UNRELATED = """What is the capital of {country}?
How many people live in {country}?
Write a haiku about {topic}.
Write a short poem about {topic}.
Tell me a joke about {animal}.
What do {animal} eat?
How do {animal} sleep?
How do I make {food}?
Give me a recipe for {food}.
Explain {thing} to a child.
What is {number} times {number}?
What is {number} plus {number}?
Is {number} a prime number?
Write a Python function that sorts a list.
How do I reverse a string in C?
What is the difference between TCP and UDP?
Who wrote Hamlet?
When did the Second World War end?
What does {job} do all day?
Suggest a name for a puppy.
Write a letter of application for {job}.
Translate "good morning" into {language}.
How do you say "thank you" in {language}?
Tell me a story about {name} and {topic}.
Name three rivers in {country}.
What is the boiling point of water?
Why is the sky blue?
How far away is the moon?
List five fruits.
What are the primary colours?
Give me advice on sleeping better.
How can I learn {language} quickly?
Write a slogan for a bakery.
Who was the first person on the moon?
What is the square root of {number}?
Convert {number} miles to kilometres.
How old can {animal} get?
Write a limerick about {name}.
What is the tallest mountain in the world?
How does a bicycle stay upright?
Recommend a book about {topic}.
What rhymes with orange?
Continue this sentence: Once upon a time {name} met
Hello, how are you?
Thanks, that was helpful.
What can you do?
Tell me something about {country}.
How many days are in a leap year?
Explain how {thing} works.
What is the meaning of life?
Plan a weekend in {country}.
Write an SQL query that counts rows.
Give me a riddle about {topic}.
How do I tie a tie?
Which language is spoken in {country}?""".splitlines()


def fill(pattern, draw):
    return re.sub(r"\{(\w+)\}", lambda found: draw.choice(WORDS[found[1]]), pattern)


def patterns(about, withheld):
    """Those about a picture or a sound, and those that have no use for it."""
    chosen = lambda lines: [line for number, line in enumerate(lines) if (number % 3 == 2) == withheld]
    return chosen(ABOUT[about].splitlines()), chosen(UNRELATED)


def draw(about, withheld, count, seed):
    """`count` messages of each kind."""
    random_of = random.Random(f"{about} {withheld} {seed}")
    return [[fill(random_of.choice(lines), random_of) for _ in range(count)] for lines in patterns(about, withheld)]

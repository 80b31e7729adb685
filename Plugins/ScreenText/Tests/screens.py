"""Draws a dozen pictures that look like screens of phones and desktops, and knows what stands on each.

`screens()` yields them; measure.py reads them. Fixed seeds, but the fonts' version may move a pixel.
"""

import math

import numpy
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FONTS = {
    "sans": "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "bold": "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc",
    "wide": "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "mono": "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "serif": "/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf",
}
GREY = (110, 112, 118)
BLUE = (26, 115, 232)


class Screen:
    """A picture, the words on it, and the letters inside pictures (`optional`), which may be read or not."""

    def __init__(self, name, size, paper=(255, 255, 255), ink=(28, 28, 30)):
        self.name, self.ink = name, ink
        self.image = Image.new("RGB", size, paper)
        self.draw = ImageDraw.Draw(self.image)
        self.words, self.optional = [], []

    def text(self, x, y, text, size, face="sans", colour=None, anchor="la", optional=False):
        font = ImageFont.truetype(FONTS[face], size, index=2 if face in ("sans", "bold") else 0)
        self.draw.text((x, y), text, fill=colour or self.ink, font=font, anchor=anchor)
        (self.optional if optional else self.words).append(text)

    def lines(self, x, y, text, size, pitch, **options):
        for index, line in enumerate(text.split("\n")):
            self.text(x, y + index * pitch, line, size, **options)

    def disc(self, x, y, radius, colour):
        self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def initial(self, x, y, radius, colour, letter):
        self.disc(x, y, radius, colour)
        self.text(x, y, letter, radius, colour=(255, 255, 255), anchor="mm", optional=True)

    def portrait(self, x, y, radius, seed):
        """A round photograph of somebody: hair, face, shoulders before a wall."""
        side = 2 * radius
        random = numpy.random.default_rng(seed)
        wall, hair, coat = (tuple(int(v) for v in random.integers(40, 220, 3)) for _ in range(3))
        photo = Image.new("RGB", (side, side), wall)
        draw = ImageDraw.Draw(photo)
        draw.ellipse((side * 0.1, side * 0.7, side * 0.9, side * 1.5), fill=coat)
        draw.ellipse((side * 0.28, side * 0.12, side * 0.72, side * 0.7), fill=hair)
        draw.ellipse((side * 0.33, side * 0.25, side * 0.67, side * 0.72), fill=(224, 172, 140))
        for eye in (0.43, 0.57):
            draw.ellipse(
                (side * (eye - 0.02), side * 0.45, side * (eye + 0.02), side * 0.49), fill=(40, 30, 30)
            )
        pixels = numpy.asarray(photo, dtype=numpy.float32) + random.normal(0, 6, (side, side, 3))
        mask = Image.new("L", (4 * side, 4 * side), 0)
        ImageDraw.Draw(mask).ellipse((0, 0, 4 * side, 4 * side), fill=255)
        self.image.paste(
            Image.fromarray(numpy.clip(pixels, 0, 255).astype(numpy.uint8)),
            (x - radius, y - radius),
            mask.resize((side, side), Image.Resampling.LANCZOS),
        )

    def icon(self, x, y, kind, size, colour):
        """Line icons as toolbars have them, `size` pixels wide around (x, y)."""
        draw, half, pen = self.draw, size // 2, max(2, size // 10)
        if kind == "search":
            draw.ellipse((x - half, y - half, x + half // 3, y + half // 3), outline=colour, width=pen)
            draw.line((x + half // 4, y + half // 4, x + half, y + half), fill=colour, width=pen)
        elif kind == "gear":
            for tooth in range(8):
                angle = tooth * math.pi / 4
                draw.line(
                    (
                        x + half * 0.5 * math.cos(angle),
                        y + half * 0.5 * math.sin(angle),
                        x + half * math.cos(angle),
                        y + half * math.sin(angle),
                    ),
                    fill=colour,
                    width=2 * pen,
                )
            draw.ellipse(
                (x - half * 0.7, y - half * 0.7, x + half * 0.7, y + half * 0.7), outline=colour, width=pen
            )
        elif kind == "star":
            points = [
                (
                    x + (half if turn % 2 == 0 else half * 0.4) * math.sin(turn * math.pi / 5),
                    y - (half if turn % 2 == 0 else half * 0.4) * math.cos(turn * math.pi / 5),
                )
                for turn in range(10)
            ]
            draw.line(points + points[:2], fill=colour, width=pen, joint="curve")
        elif kind == "menu":
            for bar in (-1, 0, 1):
                draw.line(
                    (x - half, y + bar * half * 0.6, x + half, y + bar * half * 0.6), fill=colour, width=pen
                )
        elif kind == "back":
            draw.line(
                (x + half * 0.4, y - half, x - half * 0.5, y, x + half * 0.4, y + half),
                fill=colour,
                width=pen,
            )
        elif kind == "forward":
            draw.line(
                (x - half * 0.4, y - half, x + half * 0.5, y, x - half * 0.4, y + half),
                fill=colour,
                width=pen,
            )
        elif kind == "dots":
            for dot in (-1, 0, 1):
                self.disc(x, y + dot * half * 0.7, pen, colour)
        elif kind == "wifi":
            for ring in (1.0, 0.65, 0.3):
                radius = half * ring
                draw.arc((x - radius, y - radius, x + radius, y + radius), 225, 315, fill=colour, width=pen)
        elif kind == "battery":
            draw.rounded_rectangle(
                (x - half, y - half * 0.5, x + half, y + half * 0.5), pen, outline=colour, width=pen
            )
            draw.rectangle((x - half * 0.75, y - half * 0.25, x + half * 0.3, y + half * 0.25), fill=colour)
        elif kind == "bell":
            draw.pieslice((x - half * 0.7, y - half, x + half * 0.7, y + half), 180, 360, fill=colour)
            draw.rectangle((x - half * 0.7, y, x + half * 0.7, y + half * 0.5), fill=colour)
            self.disc(x, y + half * 0.8, pen, colour)
        elif kind == "heart":
            draw.ellipse((x - half, y - half, x, y), fill=colour)
            draw.ellipse((x, y - half, x + half, y), fill=colour)
            draw.polygon(
                (x - half * 0.93, y - half * 0.3, x + half * 0.93, y - half * 0.3, x, y + half), fill=colour
            )

    def toggle(self, x, y, on):
        self.draw.rounded_rectangle(
            (x, y, x + 104, y + 60), 30, fill=(52, 199, 89) if on else (200, 200, 205)
        )
        self.disc(x + (74 if on else 30), y + 30, 26, (255, 255, 255))

    def status_bar(self, clock="9:41"):
        self.text(60, 24, clock, 38, face="bold")
        self.icon(self.image.width - 150, 58, "wifi", 48, self.ink)
        self.icon(self.image.width - 80, 50, "battery", 56, self.ink)


def mail():
    screen = Screen("mail", (1080, 2400))
    screen.status_bar()
    screen.draw.rounded_rectangle((40, 110, 1040, 220), 55, fill=(237, 240, 247))
    screen.icon(95, 165, "menu", 44, GREY)
    screen.text(160, 138, "Search in mail", 40, colour=GREY)
    screen.portrait(985, 165, 38, 1)
    screen.text(50, 245, "Primary", 32, colour=GREY)
    mails = [
        ("Maria Lopez", "Trip to Lisbon", "The hotel has confirmed two rooms for", "10:42"),
        ("GitLab", "Pipeline #4821 failed", "Job build-linux failed on branch main", "09:15"),
        ("Dr. Chen", "Your appointment on 12 March", "Please arrive ten minutes early and", "08:30"),
        ("Power & Gas", "Invoice 2026-0193", "Amount due: $84.20 by 30 April", "Mon"),
        ("Tom Baker", "Re: Lunch on Friday?", "Sounds good, see you at 12:30!", "Mon"),
        ("City Library", "Three items are due soon", "Renew them online or return by Sunday", "Sun"),
        ("Anna Schmidt", "Photos from the lake", "I uploaded 36 pictures to the shared", "Sat"),
        ("Northern Rail", "E-ticket: York to Leeds", "Coach B, seat 42, departs 17:05", "Sat"),
        ("Priya Nair", "Draft of chapter 4", "Comments are in the margin. The", "Fri"),
        ("Bank", "Statement is ready", "Your balance on 1 March was", "Thu"),
    ]
    colours = [(200, 60, 60), (30, 140, 90), (120, 70, 180), (230, 140, 30), BLUE]
    for index, (sender, subject, body, when) in enumerate(mails):
        top = 310 + 200 * index
        if index % 2:
            screen.portrait(110, top + 75, 56, 10 + index)
        else:
            screen.initial(110, top + 75, 56, colours[index // 2], sender[0])
        screen.text(200, top, sender, 42, face="bold")
        screen.text(1030, top + 6, when, 32, colour=GREY, anchor="ra")
        screen.text(200, top + 56, subject, 38)
        screen.text(200, top + 108, body, 38, colour=GREY)
        screen.icon(1005, top + 130, "star", 48, GREY)
    screen.disc(960, 2250, 80, (210, 227, 252))
    screen.draw.line((930, 2280, 985, 2225), fill=(20, 60, 120), width=10)
    return screen


def settings():
    screen = Screen("settings", (1080, 1900), paper=(242, 242, 247))
    screen.status_bar("14:07")
    screen.text(50, 120, "Settings", 72, face="bold")
    rows = [
        ("Airplane Mode", None, False),
        ("Wi-Fi", "HomeNet 5G", None),
        ("Bluetooth", "On", None),
        ("Mobile Data", None, True),
        ("Notifications", "", None),
        ("Sounds & Haptics", "", None),
        ("Screen Time", "3 h 12 min", None),
        ("Storage", "48.2 GB of 128 GB", None),
        ("Location", None, True),
        ("Software Update", "1", None),
    ]
    colours = [(255, 149, 0), (0, 122, 255), (0, 122, 255), (52, 199, 89), (255, 59, 48)]
    kinds = ["star", "wifi", "forward", "bell", "bell", "heart", "gear", "menu", "star", "gear"]
    screen.draw.rounded_rectangle((40, 260, 1040, 260 + 150 * len(rows)), 36, fill=(255, 255, 255))
    for index, (label, value, on) in enumerate(rows):
        top = 260 + 150 * index
        screen.draw.rounded_rectangle((75, top + 32, 161, top + 118), 20, fill=colours[index % 5])
        screen.icon(118, top + 75, kinds[index], 50, (255, 255, 255))
        screen.text(200, top + 42, label, 46)
        if on is not None:
            screen.toggle(900, top + 45, on)
        else:
            if value:
                screen.text(955, top + 44, value, 44, colour=GREY, anchor="ra")
            screen.icon(995, top + 75, "forward", 32, (190, 190, 195))
        if index:
            screen.draw.line((200, top, 1040, top), fill=(220, 220, 224), width=2)
    return screen


def chat():
    screen = Screen("chat", (1080, 2100), paper=(239, 234, 226))
    screen.draw.rectangle((0, 0, 1080, 190), fill=(7, 94, 84))
    screen.icon(55, 100, "back", 44, (255, 255, 255))
    screen.portrait(150, 100, 55, 4)
    screen.text(235, 52, "Olivia Martin", 46, face="bold", colour=(255, 255, 255))
    screen.text(235, 112, "last seen today at 18:22", 32, colour=(200, 225, 222))
    screen.icon(1030, 100, "dots", 48, (255, 255, 255))
    screen.draw.rounded_rectangle((460, 220, 620, 280), 20, fill=(255, 255, 255))
    screen.text(540, 250, "Today", 30, colour=GREY, anchor="mm")
    messages = [
        (False, "Hi! Are we still on for tonight?", "18:02"),
        (True, "Yes, 8 pm at the usual place.", "18:05"),
        (True, "I booked a table for four.", "18:05"),
        (False, "Great. Shall I bring the\ntickets for Saturday?", "18:11"),
        (True, "Please do! How much\ndo I owe you?", "18:12"),
        (False, "€23.50 each, so €47 for both.", "18:15"),
        (True, "OK, I will transfer it now.", "18:16"),
        (False, "No hurry :-)", "18:17"),
        (True, "Done. See you later", "18:20"),
    ]
    top = 310
    for own, text, when in messages:
        lines = text.split("\n")
        font = ImageFont.truetype(FONTS["sans"], 42, index=2)
        width = int(max(font.getlength(line) for line in lines)) + 190
        height = 58 * len(lines) + 50
        left = 1040 - width if own else 130
        screen.draw.rounded_rectangle(
            (left, top, left + width, top + height), 28, fill=(220, 248, 198) if own else (255, 255, 255)
        )
        if not own:
            screen.portrait(75, top + 45, 40, 4)
        screen.lines(left + 32, top + 18, text, 42, 58)
        screen.text(left + width - 28, top + height - 44, when, 28, colour=GREY, anchor="ra")
        top += height + 32
    screen.draw.rounded_rectangle((30, 1970, 920, 2080), 55, fill=(255, 255, 255))
    screen.text(100, 1998, "Message", 42, colour=GREY)
    screen.disc(1005, 2025, 55, (7, 94, 84))
    screen.icon(1005, 2025, "forward", 44, (255, 255, 255))
    return screen


def dialog():
    screen = Screen("dialog", (1080, 1400), paper=(110, 112, 115))
    screen.draw.rounded_rectangle((90, 400, 990, 1010), 40, fill=(255, 255, 255))
    screen.icon(165, 480, "bell", 60, BLUE)
    screen.text(220, 450, "Allow notifications?", 50, face="bold")
    screen.lines(
        130,
        560,
        "Weather would like to send you alerts about\nstorms and heavy rain near you.\n"
        "You can change this in Settings.",
        38,
        58,
        colour=(70, 72, 78),
    )
    for left, top, label, fill, colour in (
        (130, 790, "Don't ask again", (236, 238, 242), (40, 40, 44)),
        (130, 890, "Decline", (236, 238, 242), (40, 40, 44)),
        (550, 890, "Accept", BLUE, (255, 255, 255)),
    ):
        right = 950 if top == 790 or left == 550 else 530
        screen.draw.rounded_rectangle((left, top, right, top + 60), 14, fill=fill)
        screen.text((left + right) // 2, top + 30, label, 34, face="bold", colour=colour, anchor="mm")
    return screen


def article():
    screen = Screen("article", (1600, 1100))
    screen.draw.rectangle((0, 0, 1600, 70), fill=(245, 245, 245))
    for x, item in ((60, "Home"), (180, "World"), (310, "Science"), (460, "Culture")):
        screen.text(x, 20, item, 24, face="wide", colour=(60, 60, 60))
    screen.icon(1540, 35, "search", 30, GREY)
    screen.text(60, 100, "Rivers that flow both ways", 52, face="serif")
    screen.text(60, 175, "By Elena Fischer, 14 May 2026", 22, face="wide", colour=GREY)
    left = (
        "Twice a day the sea pushes back.\nAt the mouth of the river the water\n"
        "slows, stands still and then turns\n"
        "inland, carrying salt, driftwood\nand now and then a seal.\nFishermen have always known it.\n"
        "Their nets hang from poles that\ncan be turned with the stream,\nand their clocks follow the moon.\n"
        "Engineers took longer to learn."
    )
    right = (
        "The first barrage, built in 1921,\nlasted 7 years. The second was\n"
        "abandoned at a cost of $3.4 million.\n"
        "Today's plan is more modest:\nturbines that work in both\ndirections, set deep enough for\n"
        "boats and far enough apart for\nfish. Whether it pays is unclear.\nIt would light 40,000 homes, or\n"
        "about 12% of the county."
    )
    screen.lines(60, 640, left, 26, 42, face="serif")
    screen.lines(830, 640, right, 26, 42, face="serif")
    random = numpy.random.default_rng(3)
    rows = numpy.linspace(0, 1, 360)[:, None, None]
    picture = (1 - rows) * numpy.array([140, 180, 225]) + rows * numpy.array([60, 95, 80])
    picture = numpy.broadcast_to(picture, (360, 1480, 3)) + random.normal(0, 8, (360, 1480, 1))
    photo = Image.fromarray(numpy.clip(picture, 0, 255).astype(numpy.uint8))
    draw = ImageDraw.Draw(photo)
    draw.polygon(
        [(0, 250), (300, 90), (560, 240), (820, 130), (1200, 260), (1480, 180), (1480, 360), (0, 360)],
        fill=(70, 100, 70),
    )
    for tree in range(60):
        x, y = int(random.integers(0, 1480)), int(random.integers(230, 340))
        draw.polygon([(x, y - 40), (x - 14, y), (x + 14, y)], fill=(30, 60 + tree, 40))
    screen.image.paste(photo, (60, 230))
    screen.text(60, 596, "The estuary at low tide. Photo: J. Ward", 20, face="wide", colour=GREY)
    return screen


def dark():
    screen = Screen("dark", (1080, 2000), paper=(18, 18, 20), ink=(235, 235, 240))
    screen.status_bar("22:58")
    screen.text(50, 120, "Good evening", 60, face="bold")
    for index, chip in enumerate(("Music", "Podcasts", "Audiobooks")):
        left = 50 + 300 * index
        screen.draw.rounded_rectangle(
            (left, 230, left + 270, 310), 40, fill=(45, 45, 50) if index else (30, 185, 84)
        )
        screen.text(left + 135, 270, chip, 36, colour=(235, 235, 240) if index else (0, 0, 0), anchor="mm")
    songs = [
        ("Midnight Train", "The Lanterns", "3:45"),
        ("Glass Houses", "Ivy Moreau", "4:02"),
        ("Paper Boats", "Field & Stone", "2:58"),
        ("Northern Lights", "Aurora Choir", "5:16"),
        ("Slow Dancing", "Ray Coleman", "3:21"),
        ("Second Summer", "Harbour Lane", "3:33"),
    ]
    screen.text(50, 360, "Recently played", 46, face="bold")
    for index, (title, artist, length) in enumerate(songs):
        top = 450 + 190 * index
        random = numpy.random.default_rng(40 + index)
        cover = Image.fromarray(random.integers(0, 255, (4, 4, 3), dtype=numpy.uint8)).resize((150, 150))
        screen.image.paste(cover, (50, top))
        screen.text(235, top + 18, title, 44)
        screen.text(235, top + 80, artist, 36, colour=(165, 165, 172))
        screen.icon(870, top + 75, "heart", 44, (30, 185, 84))
        screen.text(1030, top + 52, length, 34, colour=(165, 165, 172), anchor="ra")
    screen.draw.rectangle((0, 1640, 1080, 1648), fill=(70, 70, 74))
    screen.draw.rectangle((0, 1640, 380, 1648), fill=(235, 235, 240))
    screen.disc(380, 1644, 16, (235, 235, 240))
    screen.text(50, 1670, "1:12", 32, colour=(165, 165, 172))
    screen.text(1030, 1670, "-2:33", 32, colour=(165, 165, 172), anchor="ra")
    for x, tab in ((180, "Home"), (540, "Search"), (900, "Library")):
        screen.icon(
            x, 1830, {"Home": "heart", "Search": "search", "Library": "menu"}[tab], 56, (235, 235, 240)
        )
        screen.text(x, 1900, tab, 30, anchor="mm")
    return screen


def chinese():
    screen = Screen("chinese", (1080, 1900), paper=(245, 245, 248))
    screen.status_bar("8:30")
    screen.icon(60, 160, "back", 44, screen.ink)
    screen.text(540, 160, "设置", 56, face="bold", anchor="mm")
    rows = [
        ("无线网络", "已连接"),
        ("蓝牙", "关闭"),
        ("移动网络", ""),
        ("通知与状态栏", ""),
        ("声音和振动", ""),
        ("显示与亮度", "自动"),
        ("电池", "82%"),
        ("存储空间", "可用 48 GB"),
        ("隐私保护", ""),
        ("系统更新", "有新版本"),
    ]
    screen.draw.rounded_rectangle((40, 250, 1040, 250 + 150 * len(rows)), 36, fill=(255, 255, 255))
    colours = [(0, 122, 255), (52, 199, 89), (255, 149, 0), (255, 59, 48), (120, 90, 200)]
    kinds = ["wifi", "forward", "menu", "bell", "heart", "star", "battery", "menu", "gear", "gear"]
    for index, (label, value) in enumerate(rows):
        top = 250 + 150 * index
        screen.disc(118, top + 75, 44, colours[index % 5])
        screen.icon(118, top + 75, kinds[index], 46, (255, 255, 255))
        screen.text(200, top + 40, label, 48)
        if value:
            screen.text(950, top + 44, value, 42, colour=GREY, anchor="ra")
        screen.icon(995, top + 75, "forward", 32, (190, 190, 195))
    screen.text(540, 1820, "登录后可同步数据", 36, colour=BLUE, anchor="mm")
    return screen


def mixed():
    screen = Screen("mixed", (1080, 1700))
    screen.status_bar("12:15")
    screen.draw.rounded_rectangle((40, 110, 860, 210), 50, outline=(255, 80, 0), width=4)
    screen.icon(95, 160, "search", 40, GREY)
    screen.text(140, 134, "USB-C 充电器", 40, colour=GREY)
    screen.text(900, 134, "搜索", 42, colour=(255, 80, 0))
    goods = [
        ("USB-C 快充充电器 65W", "¥128.00", "已售 2000+ 件"),
        ("无线蓝牙耳机 Pro 版", "¥399.00", "已售 850 件"),
        ("iPhone 手机壳 透明", "¥29.90", "已售 1.2 万件"),
        ("HDMI 高清线 2 米", "¥45.50", "已售 600 件"),
    ]
    for index, (title, price, sold) in enumerate(goods):
        top = 270 + 300 * index
        random = numpy.random.default_rng(70 + index)
        tone = tuple(int(v) for v in random.integers(90, 230, 3))
        screen.draw.rounded_rectangle((40, top, 290, top + 250), 24, fill=tone)
        screen.draw.rounded_rectangle((110, top + 60, 220, top + 190), 30, fill=(245, 245, 245))
        screen.disc(165, top + 125, 30, tone)
        screen.text(330, top + 16, title, 44)
        screen.text(330, top + 90, "包邮  Free shipping", 34, colour=GREY)
        screen.text(330, top + 160, price, 50, face="bold", colour=(230, 40, 30))
        screen.text(1030, top + 172, sold, 34, colour=GREY, anchor="ra")
    for x, tab in ((135, "首页"), (405, "分类"), (675, "购物车"), (945, "我的")):
        screen.icon(
            x, 1550, {"首页": "star", "分类": "menu", "购物车": "heart", "我的": "gear"}[tab], 54, GREY
        )
        screen.text(x, 1625, tab, 32, colour=GREY, anchor="mm")
    return screen


def code():
    screen = Screen("code", (1400, 860), paper=(30, 30, 30), ink=(212, 212, 212))
    screen.draw.rectangle((0, 0, 1400, 50), fill=(50, 50, 52))
    for x, name in ((60, "server.py"), (260, "README.md"), (480, "tests.py")):
        screen.text(x, 12, name, 20, face="wide")
    keyword, string, comment = (197, 134, 192), (206, 145, 120), (106, 153, 85)
    source = [
        [("# Answers one request at a time.", comment)],
        [("import", keyword), (" socket", None)],
        [],
        [("def", keyword), (" serve(port):", None)],
        [("    listener = socket.socket()", None)],
        [("    listener.bind((", None), ('"localhost"', string), (", port))", None)],
        [("    listener.listen(16)", None)],
        [("    while", keyword), (" True:", None)],
        [("        client, address = listener.accept()", None)],
        [("        data = client.recv(4096)", None)],
        [("        if", keyword), (" not data:", None)],
        [("            break", keyword)],
        [("        client.sendall(data.upper())", None)],
        [("        client.close()", None)],
        [],
        [("if", keyword), (" __name__ == ", None), ('"__main__"', string), (":", None)],
        [("    serve(8080)", None)],
    ]
    advance = ImageFont.truetype(FONTS["mono"], 24).getlength("m")
    for number, line in enumerate(source):
        y = 80 + 42 * number
        screen.text(70, y, str(number + 1), 24, face="mono", colour=(110, 110, 115), anchor="ra")
        column = 0
        for text, colour in line:
            screen.draw.text(
                (110 + column * advance, y),
                text,
                fill=colour or screen.ink,
                font=ImageFont.truetype(FONTS["mono"], 24),
            )
            column += len(text)
        screen.words.append("".join(text for text, _ in line))
    screen.draw.rectangle((0, 820, 1400, 860), fill=(0, 122, 204))
    screen.text(40, 828, "Ln 9, Col 14", 20, face="wide", colour=(255, 255, 255))
    screen.text(1360, 828, "UTF-8  Python", 20, face="wide", colour=(255, 255, 255), anchor="ra")
    return screen


def notifications():
    screen = Screen("notifications", (1080, 2000), ink=(255, 255, 255))
    ramp = numpy.linspace(0, 1, 2000)[:, None, None]
    across = numpy.linspace(0, 1, 1080)[None, :, None]
    wall = (
        (1 - ramp) * numpy.array([40, 60, 120])
        + ramp * numpy.array([150, 60, 90])
        + across * numpy.array([30, 40, 10])
    )
    screen.image.paste(Image.fromarray(wall.astype(numpy.uint8)))
    screen.status_bar("16:48")
    screen.text(540, 220, "16:48", 150, anchor="mm")
    screen.text(540, 340, "Tuesday, 24 November", 44, anchor="mm")
    cards = [
        ("Messages", "now", "Mum", "Don't forget to call grandma!"),
        ("Calendar", "12 min ago", "Team meeting", "17:00 to 17:45, Room 3.14"),
        ("Bank", "1 h ago", "Payment of £12.99", "Card ending 4417 at Bookshop"),
        ("Weather", "2 h ago", "Rain expected", "60% chance from 19:00"),
        ("News", "3 h ago", "Markets close higher", "Index gains 1.8% after rate cut"),
    ]
    colours = [(52, 199, 89), (255, 59, 48), (0, 90, 180), (90, 180, 250), (220, 30, 60)]
    kinds = ["heart", "menu", "star", "wifi", "bell"]
    for index, (app, when, title, body) in enumerate(cards):
        top = 440 + 270 * index
        screen.draw.rounded_rectangle((40, top, 1040, top + 240), 40, fill=(240, 240, 245))
        screen.draw.rounded_rectangle((80, top + 28, 140, top + 88), 14, fill=colours[index])
        screen.icon(110, top + 58, kinds[index], 36, (255, 255, 255))
        screen.text(160, top + 34, app, 34, colour=GREY)
        screen.text(1000, top + 34, when, 32, colour=GREY, anchor="ra")
        screen.text(80, top + 104, title, 42, face="bold", colour=(28, 28, 30))
        screen.text(80, top + 162, body, 40, colour=(28, 28, 30))
    screen.text(540, 1880, "Clear all", 40, anchor="mm")
    return screen


def keyboard():
    screen = Screen("keyboard", (1080, 2000))
    screen.status_bar("11:03")
    screen.text(60, 130, "Cancel", 44, colour=BLUE)
    screen.text(540, 158, "New message", 46, face="bold", anchor="mm")
    screen.text(1020, 130, "Send", 44, colour=BLUE, anchor="ra")
    screen.text(60, 260, "To: Karen Hughes", 42)
    screen.draw.line((60, 330, 1080, 330), fill=(210, 210, 214), width=2)
    screen.text(60, 360, "Subject: Keys to the flat", 42)
    screen.draw.line((60, 430, 1080, 430), fill=(210, 210, 214), width=2)
    screen.lines(
        60, 470, "Hello Karen,\nthe spare keys are with the neighbour\nin 4B. Please ring twice.", 42, 64
    )
    screen.draw.line((575, 600, 575, 655), fill=BLUE, width=5)
    screen.draw.rectangle((0, 1130, 1080, 2000), fill=(209, 212, 219))
    for x, word in ((180, "twice"), (540, "today"), (900, "thanks")):
        screen.text(x, 1185, word, 42, anchor="mm")
    for row, (letters, indent) in enumerate((("QWERTYUIOP", 12), ("ASDFGHJKL", 66), ("ZXCVBNM", 174))):
        for column, letter in enumerate(letters):
            left, top = indent + 107 * column, 1260 + 175 * row
            screen.draw.rounded_rectangle((left, top, left + 93, top + 140), 14, fill=(255, 255, 255))
            screen.text(left + 46, top + 70, letter, 56, anchor="mm", optional=True)
    for left, right, label in ((12, 250, "123"), (270, 800, "space"), (820, 1068, "return")):
        screen.draw.rounded_rectangle((left, 1785, right, 1925), 14, fill=(255, 255, 255))
        screen.text((left + right) // 2, 1855, label, 42, anchor="mm")
    return screen


def sign():
    """A photograph: a white sign on a brick wall, unevenly lit, a little turned, with a sensor's noise."""
    screen = Screen("sign", (1280, 960), paper=(150, 140, 130))
    random = numpy.random.default_rng(11)
    for row in range(24):
        for column in range(-1, 12):
            left, top = column * 120 + (60 if row % 2 else 0), row * 40
            tone = random.integers(-22, 22)
            screen.draw.rectangle(
                (left + 3, top + 3, left + 116, top + 36), fill=(150 + tone, 82 + tone, 62 + tone)
            )
    screen.draw.rectangle((300, 250, 980, 690), fill=(240, 238, 230), outline=(30, 60, 120), width=12)
    screen.text(640, 340, "PRIVATE ROAD", 72, face="bold", colour=(30, 60, 120), anchor="mm")
    screen.text(640, 460, "No parking at any time", 50, colour=(40, 40, 45), anchor="mm")
    screen.text(640, 540, "Vehicles will be removed", 50, colour=(40, 40, 45), anchor="mm")
    screen.text(640, 620, "Tel. 0113 496 0182", 46, colour=(40, 40, 45), anchor="mm")
    turned = screen.image.rotate(2, resample=Image.Resampling.BICUBIC, fillcolor=(150, 82, 62))
    pixels = numpy.asarray(turned.filter(ImageFilter.GaussianBlur(1.0)), dtype=numpy.float32)
    pixels = pixels * numpy.linspace(1.05, 0.7, 1280)[None, :, None] + random.normal(0, 10, pixels.shape)
    screen.image = Image.fromarray(numpy.clip(pixels, 0, 255).astype(numpy.uint8))
    return screen


def screens():
    for draw in (
        mail,
        settings,
        chat,
        dialog,
        article,
        dark,
        chinese,
        mixed,
        code,
        notifications,
        keyboard,
        sign,
    ):
        yield draw()

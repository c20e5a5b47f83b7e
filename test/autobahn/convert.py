"""Makes the Autobahn TestSuite, written for Python 2, run on Python 3: convert.py SOURCES LIBRARY

SOURCES has the two archives of sources.txt. fissix (lib2to3 as a package) converts the suite, and a few patches
follow, each of which fails loudly where it does not fit. The cases keep their source bytes: they are read as
latin-1, so that a str of Python 3 holds exactly the bytes that a str of Python 2 held, and the protocol converts
at the boundary.
"""

import pathlib, re, shutil, sys, tarfile
from fissix.refactor import RefactoringTool, get_fixers_from_package

sources, lib = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
out = lib / 'autobahntestsuite'
shutil.rmtree(lib, ignore_errors=True); lib.mkdir(parents=True)

def unpacked(name):
    (archive,) = sources.glob(f'{name}-*.tar.gz')
    with tarfile.open(archive) as tar:
        tar.extractall(sources, filter='data')
    return sources / archive.name.removesuffix('.tar.gz') / name

src = unpacked('autobahntestsuite')

def sub(text, old, new, count, where):
    got = text.count(old)
    if got != count:
        sys.exit(f'convert.py: {where}: expected {count} x {old!r}, found {got}')
    return text.replace(old, new)

# --- autobahn 0.10.9: supports Python 3 except for one float division in the fuzzing-only path -----------------
shutil.copytree(unpacked('autobahn'), lib / 'autobahn')
p = lib / 'autobahn' / 'websocket' / 'protocol.py'
t = sub(p.read_text('utf-8'), 'range(payload_len / len(payload))', 'range(payload_len // len(payload))', 1, p)
t = sub(t, "reasonRaw.decode('utf8')", "reasonRaw.decode('utf8', 'replace')", 1, p)   # Python 2 decoded lone surrogates here
p.write_text(t, 'utf-8')

# --- testsuite --------------------------------------------------------------------------------------------------
for d in ('case', 'testdata', 'web'):
    shutil.copytree(src / d, out / d)
for f in ('caseset.py', 'fuzzing.py', 'report.py', '_version.py'):
    shutil.copy(src / f, out / f)

(out / '__init__.py').write_text("import txaio\ntxaio.use_twisted()\nfrom ._version import __version__\nversion = __version__\n")
(out / 'py2bytes.py').write_text('''"""Python 2 byte-string semantics for the cases: a str is a sequence of latin-1 'bytes'."""
import binascii as _b
from autobahn.websocket.utf8validator import Utf8Validator as _U

def to_b(x):
    return x.encode("latin-1") if isinstance(x, str) else x

def to_s(x):
    return bytes(x).decode("latin-1") if isinstance(x, (bytes, bytearray, memoryview)) else x

class binascii:
    @staticmethod
    def b2a_hex(x):
        return _b.b2a_hex(to_b(x)).decode("ascii")
    hexlify = b2a_hex

class Utf8Validator:
    def __init__(self):
        self._u = _U()
    def reset(self):
        self._u.reset()
    def validate(self, x):
        return self._u.validate(to_b(x))
''')

# reconvert.py: only the CSS/JS constants are used; drop the WAMP report generator (jinja2)
p = out / 'report.py'
t = p.read_bytes().decode('utf-8').replace('\r\n', '\n')
t = sub(t, 'import jinja2\n', '', 1, p)
t = t[:t.index('from zope.interface import implementer')]
t = sub(t, ',\n           "HtmlReport")', ')', 1, p)
p.write_text(t, 'utf-8')

for p in sorted((out / 'case').glob('*.py')):
    t = p.read_bytes().decode('latin-1').replace('\r\n', '\n')
    t = re.sub(r'^# *(-\*-)? *coding[=:] *utf-?8.*\n', '', t, flags=re.M | re.I)
    t = re.sub(r'^import binascii$', 'from autobahntestsuite.py2bytes import binascii', t, flags=re.M)
    t = t.replace('from autobahn.websocket.utf8validator import Utf8Validator', 'from autobahntestsuite.py2bytes import Utf8Validator')
    t = re.sub(r'\(object, Case, ?\)', '(Case,)', t)
    if p.name == 'case.py':
        t = sub(t, 'return pickle.dumps(obj1) == pickle.dumps(obj2)', 'return obj1 == obj2', 1, p)
    if p.name == 'case10_1_1.py':
        t = sub(t, 'len(self.payload) / self.p', 'len(self.payload) // self.p', 1, p)
    if p.name == 'case12_x_x.py':
        t = sub(t, 'import copy, os, pkg_resources, hashlib, binascii', 'import copy, os, hashlib\nimport autobahntestsuite\nfrom autobahntestsuite.py2bytes import binascii', 1, p)
        t = sub(t, 'pkg_resources.resource_filename("autobahntestsuite", ', 'os.path.join(os.path.dirname(autobahntestsuite.__file__), ', 3, p)
        t = sub(t, '"LEN": s[0],', '"LEN": s[0], "RAW_BYTES": True,', 2, p)   # hashes real bytes itself
    if p.name == 'case9_9_1.py':            # imported, never in the case list; uses zope implements() (Python 2)
        t = 'Case9_9_1 = None\n'
    p.write_bytes(('# -*- coding: latin-1 -*-\n' + t).encode('latin-1'))

p = out / 'fuzzing.py'
t = p.read_bytes().decode('utf-8').replace('\r\n', '\n')
t = sub(t, 'import os, json, binascii, time, textwrap, pkg_resources', 'import os, json, time, textwrap\nfrom autobahntestsuite.py2bytes import binascii, to_b, to_s', 1, p)
t = sub(t, 'pkg_resources.resource_filename("autobahntestsuite",\n                                                    "web/fuzzingserver")', 'os.path.join(os.path.dirname(autobahntestsuite.__file__), "web/fuzzingserver")', 1, p)
t = sub(t, "webdir.putChild('cwd', curdir)", "webdir.putChild(b'cwd', curdir)", 1, p)
# logging helpers work on bytes
t = sub(t, '''def binLogData(data, maxlen = 64):
''', '''def binLogData(data, maxlen = 64):
   data = to_b(data)
''', 1, p)
t = sub(t, '''   ellipses = " ..."
   try:
      if len(data) > maxlen - len(ellipses):''', '''   ellipses = b" ..."
   data = to_b(data)
   try:
      if len(data) > maxlen - len(ellipses):''', 1, p)
t = sub(t, "p = ''.join(payload)", "p = b''.join(payload)", 1, p)
# the byte/str boundary
t = sub(t, '''   MAX_WIRE_LOG_DATA = 256
''', '''   MAX_WIRE_LOG_DATA = 256

   def sendFrame(self, opcode, payload = b'', *a, **kw):
      return super().sendFrame(opcode, to_b(payload), *a, **kw)

   def sendMessage(self, payload, *a, **kw):
      return super().sendMessage(to_b(payload), *a, **kw)

   def sendMessageFrame(self, payload, *a, **kw):
      return super().sendMessageFrame(to_b(payload), *a, **kw)

   def sendMessageFrameData(self, payload, *a, **kw):
      return super().sendMessageFrameData(to_b(payload), *a, **kw)

   def sendPing(self, payload = None):
      return super().sendPing(to_b(payload))

   def sendPong(self, payload = None):
      return super().sendPong(to_b(payload))

   def sendCloseFrame(self, code = None, reasonUtf8 = None, isReply = False):
      return super().sendCloseFrame(code, to_b(reasonUtf8), isReply)
''', 1, p)
t = sub(t, 'self.runCase.onPong(payload)', 'self.runCase.onPong(to_s(payload))', 1, p)
t = sub(t, 'self.runCase.onMessage(msg, binary)', 'self.runCase.onMessage(msg if getattr(self.runCase, "RAW_BYTES", False) else to_s(msg), binary)', 1, p)
t = sub(t, 'log.msg("Pong received: " + payload)', 'log.msg("Pong received: %r" % payload)', 1, p)
# reports: text files, JSON must not trip over bytes
t = sub(t, "f = open(os.path.join(outdir, report_filename), 'w')", "f = open(os.path.join(outdir, report_filename), 'w', encoding = 'utf-8')", 4, p)
t = sub(t, "json.dumps(case, sort_keys", "json.dumps(case, default = to_s, sort_keys", 1, p)
t = sub(t, '.encode("utf-8"))\n      f.write(\'      </table>\')', ")\n      f.write('      </table>')", 1, p)
t = sub(t, '''% (c[0], case[c[0]], c[1]))''', '''% (c[0], to_s(case[c[0]]), c[1]))''', 1, p)
t = sub(t, "ll.encode('utf8')", "ll", 1, p)
t = sub(t, 'case["httpRequest"].strip()', 'to_s(case["httpRequest"]).strip()', 1, p)
t = sub(t, 'case["httpResponse"].strip()', 'to_s(case["httpResponse"]).strip()', 1, p)
p.write_text(t, 'utf-8')

tool = RefactoringTool(sorted(set(get_fixers_from_package('fissix.fixes')) - {'fissix.fixes.fix_unicode'}), {})
for p in [*sorted((out / 'case').glob('*.py')), out / 'caseset.py', out / 'fuzzing.py', out / 'report.py']:
    enc = 'latin-1' if p.parent.name == 'case' else 'utf-8'
    t = p.read_bytes().decode(enc)
    t = str(tool.refactor_string(t if t.endswith('\n') else t + '\n', str(p)))
    p.write_bytes(t.encode(enc))
    compile(t.encode(enc) if enc == 'latin-1' else t, str(p), 'exec')

# --- is it whole, and fast enough? ------------------------------------------------------------------------------
sys.path.insert(0, str(lib))
from autobahntestsuite.case import Cases
from autobahntestsuite import fuzzing
from autobahn.websocket.utf8validator import Utf8Validator
from autobahn.websocket.xormasker import XorMaskerNull
assert 'wsaccel' in Utf8Validator.__module__ and 'wsaccel' in XorMaskerNull.__module__, 'wsaccel is not in use'
assert len(Cases) == 517, f'{len(Cases)} cases'

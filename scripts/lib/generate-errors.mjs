/** What is written from `errors.json`: the TypeScript table, the Rust enum and the page for users. */
import { literal, property, table, union } from './text.mjs';

const CODE = /^ERR_QW_[A-Z0-9]+(_[A-Z0-9]+)*$/;
const KINDS = {
  configuration: 'Something was set up wrongly: correct the program or its environment.',
  usage: 'A call did not fit the state or the arguments of the object it was made on.',
  protocol: 'The bytes of a peer, or a message to it, break the rules of the wire.',
  network: 'The system or the network did not do what was asked.',
  resource: 'A limit of this process or machine was reached.',
  internal: 'A fault of this library.',
};
const NOTE = 'Generated from errors.json by scripts/generate.mjs: edit that file instead.';

/** The generated files of the error table, as `[path, text]` pairs. */
export function errorFiles(entries) {
  for (const entry of entries) checkEntry(entry);
  return [
    ['ts/errors/codes.ts', typescript(entries)],
    ['src/error/codes.rs', rust(entries)],
    ['docs/errors.md', page(entries)],
  ];
}

function checkEntry({ code, kind, retriable, meaning, remedy }) {
  if (!CODE.test(code)) throw new Error(`errors.json: ${code} is not of the form ERR_QW_WORDS`);
  if (!(kind in KINDS)) throw new Error(`errors.json: ${code} has the unknown kind ${kind}`);
  if (typeof retriable !== 'boolean') throw new Error(`errors.json: ${code}: retriable must be a boolean`);
  for (const text of [meaning, remedy]) {
    if (!/^[^\s].*\.$/.test(text)) throw new Error(`errors.json: ${code}: sentences end with a full stop`);
  }
}

function typescript(entries) {
  return `// ${NOTE}

/** What an error is about. */
${union('ErrorKind', Object.keys(KINDS))}

/** A stable code: match on it, never on a message. */
${union(
  'ErrorCode',
  entries.map(({ code }) => code),
)}

/** What is known of an error by its code alone. */
export interface ErrorFacts {
  readonly kind: ErrorKind;
  /** The same operation may succeed later without a change to the program. */
  readonly retriable: boolean;
  readonly meaning: string;
  readonly remedy: string;
}

/** Every code with its facts. */
export const ERROR_TABLE: Readonly<Record<ErrorCode, ErrorFacts>> = {
${entries.map(typescriptEntry).join('\n')}
};
`;
}

function typescriptEntry({ code, kind, retriable, meaning, remedy }) {
  const indent = '    ';
  return [
    `  ${code}: {`,
    property(indent, 'kind', literal(kind)),
    property(indent, 'retriable', String(retriable)),
    property(indent, 'meaning', literal(meaning)),
    property(indent, 'remedy', literal(remedy)),
    '  },',
  ].join('\n');
}

function rust(entries) {
  return `// ${NOTE}

//! The stable codes of this library's errors, the same in Rust and TypeScript.

use std::fmt;

/// A stable error code: match on it, never on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
${entries.map(({ code, meaning }) => `    /// ${meaning}\n    ${variant(code)},`).join('\n')}
}

struct Facts {
    name: &'static str,
    retriable: bool,
    remedy: &'static str,
}

impl Code {
    /// Every code, in the order of the table.
    pub const ALL: [Code; ${entries.length}] = [
${entries.map(({ code }) => `        Code::${variant(code)},`).join('\n')}
    ];

    /// The code as it is written in both languages, such as \`ERR_QW_CLOSED\`.
    pub const fn as_str(self) -> &'static str {
        self.facts().name
    }

    /// Whether the same operation may succeed later without a change to the program.
    pub const fn retriable(self) -> bool {
        self.facts().retriable
    }

    /// What to do about it, one or two sentences.
    pub const fn remedy(self) -> &'static str {
        self.facts().remedy
    }

    const fn facts(self) -> &'static Facts {
        // The table has the variants in their order.
        &FACTS[self as usize]
    }
}

static FACTS: [Facts; ${entries.length}] = [
${entries.map(rustFacts).join('\n')}
];

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
`;
}

function rustFacts({ code, retriable, remedy }) {
  return `    Facts {
        name: ${JSON.stringify(code)},
        retriable: ${retriable},
        remedy: ${JSON.stringify(remedy)},
    },`;
}

/** \`ERR_QW_TOO_BIG\` as \`TooBig\`. */
function variant(code) {
  const words = code.slice('ERR_QW_'.length).split('_');
  return words.map((word) => word[0] + word.slice(1).toLowerCase()).join('');
}

function page(entries) {
  const sections = Object.entries(KINDS).map(([kind, about]) => {
    const rows = entries.filter((entry) => entry.kind === kind).map(pageRow);
    return `## ${kind[0].toUpperCase()}${kind.slice(1)}\n\n${about}\n\n${table(['Code', 'Retriable', 'Meaning', 'Remedy'], rows)}\n`;
  });
  return `<!-- ${NOTE} -->

# Errors

Every error of this library is a \`QWormholeError\` with a stable \`code\`, equal on both backends and in the Rust
crate. Match on \`code\`; messages are for people and may change. \`kind\` says what the error is about, \`retriable\`
whether the same operation may succeed later without a change to the program (of a handshake that was refused: as its
close code says), \`remedy\` what to do, \`details\` has
the values that the message names, \`closeCode\` the close code where the error ends a connection, and \`cause\` the
error underneath. \`instanceof QWormholeError\` works across copies of the package.

\`\`\`ts
import { connect, QWormholeError } from 'qwormhole';

try {
  await connect('tcp://127.0.0.1:9000');
} catch (error) {
  if (error instanceof QWormholeError && error.code === 'ERR_QW_CONNECT_REFUSED') {
    console.error('is the server running?');
  } else {
    throw error;
  }
}
\`\`\`

${sections.join('\n')}`;
}

function pageRow({ code, retriable, meaning, remedy }) {
  return [`\`${code}\``, retriable ? 'yes' : 'no', meaning, remedy];
}

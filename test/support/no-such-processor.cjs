/** Has a process run on a processor for which nobody builds addons, as far as it can tell. */
Object.defineProperty(process, 'arch', { value: 'mips' });

/** Entries that there is room for at first. */
const FIRST_CAPACITY = 64;

/**
 * Numbers in the order of the times at which they are due: a binary heap that knows the place of each, so that one can
 * be taken out of the middle. In typed arrays: 16 bytes an entry, and nothing for the garbage collector.
 */
export class DueHeap {
  size = 0;
  /** By entry. */
  #due = new Float64Array(FIRST_CAPACITY);
  #place = new Uint32Array(FIRST_CAPACITY);
  /** By place: the children of place i are at 2i+1 and 2i+2. */
  #order = new Uint32Array(FIRST_CAPACITY);

  /** When the first entry is due; Infinity where there is none. */
  get earliest(): number {
    return this.size === 0 ? Infinity : this.#due[this.#order[0]!]!;
  }

  /** The entry that is due first; there is one. */
  get first(): number {
    return this.#order[0]!;
  }

  dueOf(entry: number): number {
    return this.#due[entry]!;
  }

  add(entry: number, due: number): void {
    while (entry >= this.#due.length) this.#grow();
    this.#due[entry] = due;
    this.#up(this.size++, entry);
  }

  remove(entry: number): void {
    const place = this.#place[entry]!;
    const last = this.#order[--this.size]!;
    if (place === this.size) return;
    if (place > 0 && this.#due[last]! < this.#due[this.#order[(place - 1) >>> 1]!]!) this.#up(place, last);
    else this.#down(place, last);
  }

  /** The entries, those due first before the others; the heap is not to be changed meanwhile. */
  *inOrder(): Generator<number> {
    // Places whose parents have been given. Few are asked for, so the least of them is looked for one by one.
    const places = this.size === 0 ? [] : [0];
    while (places.length > 0) {
      let best = 0;
      for (let i = 1; i < places.length; i++) {
        if (this.#due[this.#order[places[i]!]!]! < this.#due[this.#order[places[best]!]!]!) best = i;
      }
      const [place = 0] = places.splice(best, 1);
      for (const child of [2 * place + 1, 2 * place + 2]) if (child < this.size) places.push(child);
      yield this.#order[place]!;
    }
  }

  #up(place: number, entry: number): void {
    const due = this.#due[entry]!;
    while (place > 0) {
      const parent = (place - 1) >>> 1;
      if (this.#due[this.#order[parent]!]! <= due) break;
      this.#set(place, this.#order[parent]!);
      place = parent;
    }
    this.#set(place, entry);
  }

  #down(place: number, entry: number): void {
    const due = this.#due[entry]!;
    while (true) {
      let child = 2 * place + 1;
      if (child >= this.size) break;
      const right = child + 1;
      if (right < this.size && this.#due[this.#order[right]!]! < this.#due[this.#order[child]!]!) {
        child = right;
      }
      if (this.#due[this.#order[child]!]! >= due) break;
      this.#set(place, this.#order[child]!);
      place = child;
    }
    this.#set(place, entry);
  }

  #set(place: number, entry: number): void {
    this.#order[place] = entry;
    this.#place[entry] = place;
  }

  #grow(): void {
    const capacity = this.#due.length * 2;
    this.#due = enlarged(this.#due, new Float64Array(capacity));
    this.#place = enlarged(this.#place, new Uint32Array(capacity));
    this.#order = enlarged(this.#order, new Uint32Array(capacity));
  }
}

function enlarged<T extends Float64Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

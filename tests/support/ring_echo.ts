import { type RingMemory, RingReader, RingWriter } from "../../src/ring/ring.ts";

// A worker that writes every record it reads into the other ring.

self.addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  const { input, output }: { input: RingMemory; output: RingMemory } = event.data;
  const reader = new RingReader(input);
  const writer = new RingWriter(output);
  const pump = () => {
    do {
      while (reader.next()) {
        while (!writer.reserve(reader.length)) {
          writer.publish();
          writer.waitForRoom(100);
        }
        writer.bytes.set(reader.bytes.subarray(reader.at, reader.at + reader.length), writer.at);
        writer.commit(reader.length);
      }
      reader.release();
      writer.publish();
    } while (!reader.sleep(pump));
  };
  pump();
});

/** What a type of the API is for those who make it: JSON that may be written to. */
export type Told<T> = T extends readonly (infer Item)[] ? Told<Item>[]
  : T extends object ? { -readonly [Key in keyof T]: Told<T[Key]> }
  : T;

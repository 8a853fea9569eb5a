/**
 * Deals what is wanted to shards of at most `most` each. What has a place keeps it; what is new fills the places that
 * are free, then new shards. A shard may be left with nothing.
 */
export function deal(shards: readonly ReadonlySet<string>[], wanted: ReadonlySet<string>, most: number): Set<string>[] {
  const placed = new Set<string>();
  const dealt = shards.map((shard) => {
    const kept = new Set<string>();
    for (const key of shard) {
      if (!wanted.has(key) || placed.has(key) || kept.size === most) continue;
      kept.add(key);
      placed.add(key);
    }
    return kept;
  });
  let at = 0;
  for (const key of wanted) {
    if (placed.has(key)) continue;
    while (at < dealt.length && dealt[at]!.size >= most) at++;
    if (at === dealt.length) dealt.push(new Set());
    dealt[at]!.add(key);
  }
  return dealt;
}

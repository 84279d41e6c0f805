package io.steelyard.feed.web;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Replies that many get, by path and query. One is used while nothing has been written and for a
 * minute at most, since another process may write too. Safe to use from any thread.
 */
final class ReplyCache {

  private static final long MOST_BYTES = 64L << 20;
  private static final int LARGEST = 2 << 20;

  private final Map<String, Kept> kept = new LinkedHashMap<>(256, 0.75f, true);
  private long bytes;

  private record Kept(Reply reply, String version, long until, int size) {}

  /** The reply for an address, if there is one of this version that is fresh. */
  synchronized Optional<Reply> find(String address, String version) {
    final Kept found = kept.get(address);
    if (found == null) {
      return Optional.empty();
    }
    if (!found.version.equals(version) || System.nanoTime() - found.until > 0) {
      kept.remove(address);
      bytes -= found.size;
      return Optional.empty();
    }
    return Optional.of(found.reply);
  }

  /** Keeps a reply, and throws out those not asked for longest to make room. */
  void keep(String address, String version, Reply reply) {
    if (reply.status() != 200 || reply.body().length > LARGEST) {
      return;
    }
    reply.packed(); // now, outside of the lock, and not at each request
    reply.tag();
    final int size = reply.size() + 2 * address.length();
    final long until = System.nanoTime() + Reply.freshness().toNanos();
    synchronized (this) {
      final Kept before = kept.put(address, new Kept(reply, version, until, size));
      bytes += size - (before == null ? 0 : before.size);
      final var oldest = kept.entrySet().iterator();
      while (bytes > MOST_BYTES && oldest.hasNext()) {
        bytes -= oldest.next().getValue().size;
        oldest.remove();
      }
    }
  }

  /** How many there are. */
  synchronized int size() {
    return kept.size();
  }
}

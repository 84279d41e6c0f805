package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.tensor.Like;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Keys and values of the tokens that one layer has seen, so that decoding projects each token once.
 *
 * <p>Memory for keys and values grows by doubling and belongs to a manager of its own, below the
 * one handed in: close the cache after the sequence. A cache belongs to one layer and one batch of
 * sequences; not safe for use by several threads.
 */
public final class KeyValueCache implements AutoCloseable {

  private final NDManager manager;
  private final Map<String, NDArray> kept = new LinkedHashMap<>();
  private long tokens;

  /** An empty cache whose memory is freed with {@code parent} at the latest. */
  public KeyValueCache(NDManager parent) {
    this.manager = parent.newSubManager();
  }

  /** Tokens seen. */
  public long tokens() {
    return tokens;
  }

  /**
   * Appends what was projected of new tokens.
   *
   * @param fresh {@code [B, T, Hk, D]} each, for the same T
   * @return all tokens of each, valid until the next call
   */
  Map<String, Projection> append(Map<String, Projection> fresh) {
    final long added = fresh.values().iterator().next().tokens();
    final Map<String, Projection> all = new LinkedHashMap<>();
    fresh.forEach(
        (role, projection) -> {
          final NDArray array = room(role, projection, tokens + added);
          final String range = ":, " + tokens + ":" + (tokens + added);
          array.set(new NDIndex(range), projection.array());
          final NDArray view = array.get(":, :" + (tokens + added));
          view.attach(projection.array().getManager());
          all.put(role, new Projection(view, true));
        });
    tokens += added;
    return all;
  }

  private NDArray room(String role, Projection projection, long needed) {
    final NDArray old = kept.get(role);
    if (old != null) {
      final Shape own = old.getShape();
      final Shape next = projection.array().getShape();
      if (own.get(0) != next.get(0)) {
        throw new IllegalArgumentException(
            "x has " + next.get(0) + " sequences; expected " + own.get(0) + " as in the cache");
      }
      if (own.get(1) >= needed) {
        return old;
      }
    }
    final Shape shape = projection.array().getShape();
    final long capacity = Math.max(needed, old == null ? needed : 2 * old.getShape().get(1));
    final NDArray grown =
        Like.zeros(
            new Shape(shape.get(0), capacity, shape.get(2), shape.get(3)), projection.array());
    grown.attach(manager);
    if (old != null) {
      grown.set(new NDIndex(":, :" + tokens), old.get(":, :" + tokens));
      old.close();
    }
    kept.put(role, grown);
    return grown;
  }

  @Override
  public void close() {
    manager.close();
  }
}

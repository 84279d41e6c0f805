package io.steelyard.layers;

/**
 * A trainable form of a method, described.
 *
 * @param name {@code [a-z0-9-]+}
 * @param kind what it is in a network
 * @param type the class to use
 * @param arxiv arXiv id of the paper, for example {@code 1712.03541}
 * @param summary one sentence
 */
public record Layer(String name, Kind kind, Class<?> type, String arxiv, String summary) {

  /** What a layer is in a network. */
  public enum Kind {
    /** Computes outputs from inputs and learned parameters. */
    BLOCK,
    /** Compares outputs with labels. */
    LOSS,
    /** Turns the last outputs into predictions. */
    HEAD
  }

  /** Checks the name. */
  public Layer {
    if (!name.matches("[a-z0-9-]+")) {
      throw new IllegalArgumentException("layer name is '" + name + "'; expected [a-z0-9-]+");
    }
  }
}

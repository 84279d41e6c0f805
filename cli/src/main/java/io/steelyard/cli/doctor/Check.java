package io.steelyard.cli.doctor;

/**
 * One thing Steelyard needs or can use, and how it is here.
 *
 * @param name what was looked at
 * @param state how it is
 * @param found what was found
 * @param advice what to do about it; empty if nothing
 */
public record Check(String name, State state, String found, String advice) {

  /** How something is. */
  public enum State {
    /** As it should be. */
    OK("ok"),
    /** Missing or slow, but Steelyard works. */
    WARNING("warning"),
    /** Required and broken. */
    BROKEN("broken");

    private final String label;

    State(String label) {
      this.label = label;
    }

    /** The word in tables and JSON. */
    public String label() {
      return label;
    }
  }

  static Check ok(String name, String found) {
    return new Check(name, State.OK, found, "");
  }

  static Check warning(String name, String found, String advice) {
    return new Check(name, State.WARNING, found, advice);
  }

  static Check broken(String name, String found, String advice) {
    return new Check(name, State.BROKEN, found, advice);
  }
}

package io.steelyard.analysis.detection;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Names with their ids 0, 1, ... */
final class Names {

  private static final int SHOWN = 5;

  private final String what;
  private final Map<String, Integer> ids = new LinkedHashMap<>();

  /**
   * These names in this order.
   *
   * @param what they name, for messages: "image", "class"
   */
  Names(String what, Collection<String> names) {
    this.what = what;
    names.forEach(name -> ids.putIfAbsent(name, ids.size()));
  }

  /**
   * The id of a name.
   *
   * @param place where it was read, for the message
   */
  int id(String place, String name) {
    final Integer id = ids.get(name);
    if (id == null) {
      throw wrong(place, what, name, "one of the set's " + ids.size() + " names, " + some());
    }
    return id;
  }

  private String some() {
    return ids.keySet().stream().limit(SHOWN).collect(Collectors.joining(", "))
        + (ids.size() > SHOWN ? ", ..." : "");
  }

  List<String> list() {
    return List.copyOf(ids.keySet());
  }

  static IllegalArgumentException wrong(String place, String what, String is, String expected) {
    return new IllegalArgumentException(
        place + ": " + what + " is '" + is + "'; expected " + expected);
  }

  /** A number, NaN and infinities included. */
  static double number(String place, String what, String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      final IllegalArgumentException wrong = wrong(place, what, text, "a number");
      wrong.initCause(e);
      throw wrong;
    }
  }
}

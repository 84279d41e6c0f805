package io.steelyard.feed.page;

import java.util.List;

/**
 * A page with one form.
 *
 * @param shell around it
 * @param title what one does here
 * @param lead more of it
 * @param action path that the form is sent to
 * @param fields what one fills in
 * @param button what sends it
 * @param problem why the last try was not taken, empty for a first one
 * @param ways other places
 */
public record FormPage(
    Shell shell,
    String title,
    String lead,
    String action,
    List<Field> fields,
    String button,
    String problem,
    List<Way> ways) {

  /**
   * A field.
   *
   * @param name in the form
   * @param label as shown, empty for a field that is not
   * @param type text, email, password, url, hidden, area, choice
   * @param value what is in it
   * @param autocomplete what a browser may fill in
   * @param help a sentence under it, empty for none
   * @param required whether it must not be empty
   * @param choices of a choice
   */
  public record Field(
      String name,
      String label,
      String type,
      String value,
      String autocomplete,
      String help,
      boolean required,
      List<Choice> choices) {

    /** Copies the list. */
    public Field {
      choices = List.copyOf(choices);
    }

    /** A field that must be filled in. */
    public Field(
        String name, String label, String type, String value, String autocomplete, String help) {
      this(name, label, type, value, autocomplete, help, true, List.of());
    }

    /** A field that may be left empty. */
    public static Field optional(
        String name, String label, String type, String value, String help) {
      return new Field(name, label, type, value, "off", help, false, List.of());
    }

    /** One of several. */
    public static Field choice(String name, String label, String help, List<Choice> choices) {
      return new Field(name, label, "choice", "", "off", help, true, choices);
    }

    /** A field that is not shown. */
    public static Field hidden(String name, String value) {
      return new Field(name, "", "hidden", value, "off", "");
    }
  }

  /** One thing to choose, with what it is in the form and in words. */
  public record Choice(String value, String text) {}

  /** A link to another place. */
  public record Way(String path, String text) {}
}

package io.steelyard.feed.harvest;

import com.google.gson.JsonArray;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.nio.charset.StandardCharsets;
import org.w3c.dom.Element;

/** Reads an answer of any source, by what it is: a folder of files works as the network does. */
final class Documents {

  private Documents() {}

  /**
   * The papers in a document: Atom of the query API, OAI-PMH, a list of daily papers, or JSON
   * lines.
   *
   * @param from what to call it in messages
   */
  static Page read(byte[] document, String from) {
    int start = 0;
    while (start < document.length && (document[start] <= ' ')) {
      start++;
    }
    if (start == document.length) {
      throw new SourceException(from + " is empty");
    }
    return switch (document[start]) {
      case '<' -> xml(Xml.root(document, from), from);
      case '[' -> array(text(document, from), from);
      case '{' -> lines(text(document, from), from);
      default ->
          throw new SourceException(
              from + " is neither Atom, OAI-PMH, JSON nor JSON lines; nothing was taken from it");
    };
  }

  private static Page xml(Element root, String from) {
    return switch (root.getLocalName()) {
      case "feed" -> ArxivAtom.read(root, from);
      case "OAI-PMH" -> OaiRecords.read(root, from);
      default ->
          throw new SourceException(
              from + " has the root element " + root.getLocalName() + "; expected feed or OAI-PMH");
    };
  }

  private static Page array(String text, String from) {
    try {
      return DailyPapers.read(JsonParser.parseString(text), from);
    } catch (JsonParseException e) {
      throw new SourceException(from + " is not valid JSON: " + e.getMessage(), e);
    }
  }

  private static Page lines(String text, String from) {
    try {
      return DailyPapers.read(JsonParser.parseString(text), from);
    } catch (JsonParseException e) {
      final JsonArray array = new JsonArray();
      int number = 0;
      for (final String line : text.lines().toList()) {
        number++;
        if (!line.isBlank()) {
          try {
            array.add(JsonParser.parseString(line));
          } catch (JsonParseException wrong) {
            throw new SourceException(from + ", line " + number + " is not valid JSON", wrong);
          }
        }
      }
      return DailyPapers.read(array, from);
    }
  }

  private static String text(byte[] document, String from) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(java.nio.ByteBuffer.wrap(document))
          .toString();
    } catch (java.nio.charset.CharacterCodingException e) {
      throw new SourceException(from + " is not UTF-8 text", e);
    }
  }
}

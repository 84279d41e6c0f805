package io.steelyard.feed.site;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.steelyard.feed.web.Json;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jdbi.v3.core.Handle;

/** Everything the site keeps of one account, but for hashes of secrets. */
final class OwnData {

  private static final Map<String, String> PARTS = new LinkedHashMap<>();

  static {
    PARTS.put(
        "account",
        "SELECT name, email, role, verified, created, closed FROM account WHERE id = :id");
    PARTS.put("votes", "SELECT paper_id, at FROM vote WHERE account_id = :id ORDER BY at");
    PARTS.put(
        "lists", "SELECT list, paper_id, at FROM saved WHERE account_id = :id ORDER BY list, at");
    PARTS.put(
        "comments",
        "SELECT id, paper_id, markdown, at, edited, hidden FROM remark WHERE account_id = :id"
            + " ORDER BY at");
    PARTS.put(
        "earlierComments",
        "SELECT e.remark_id, e.at, e.markdown FROM remark_edit e"
            + " JOIN remark r ON r.id = e.remark_id WHERE r.account_id = :id ORDER BY e.at");
    PARTS.put("mentions", "SELECT remark_id, seen FROM mention WHERE account_id = :id");
    PARTS.put(
        "reports", "SELECT remark_id, reason, at FROM report WHERE account_id = :id ORDER BY at");
    PARTS.put(
        "corrections",
        "SELECT paper_id, field, before_text, after_text, note, at, decided, accepted"
            + " FROM correction WHERE account_id = :id ORDER BY at");
    PARTS.put(
        "authorships",
        "SELECT paper_id, place, at, verified FROM authorship WHERE account_id = :id");
    PARTS.put("submissions", "SELECT paper_id, note, at FROM submission WHERE account_id = :id");
    PARTS.put(
        "subscription",
        "SELECT cadence, keywords, created FROM subscription WHERE account_id = :id");
    PARTS.put("sessions", "SELECT created, expires FROM session WHERE account_id = :id");
    PARTS.put("tickets", "SELECT kind, note, created, expires FROM ticket WHERE account_id = :id");
  }

  private OwnData() {}

  /** As one JSON document. */
  static String json(Handle handle, long account) {
    final JsonObject all = new JsonObject();
    PARTS.forEach(
        (name, sql) -> {
          final JsonArray rows = new JsonArray();
          handle
              .createQuery(sql)
              .bind("id", account)
              .mapToMap()
              .forEach(
                  row -> {
                    final JsonObject json = new JsonObject();
                    row.forEach(
                        (column, value) -> {
                          switch (value) {
                            case null -> {
                              // What is not there is left out.
                            }
                            case Number number -> json.addProperty(column, number);
                            case Boolean flag -> json.addProperty(column, flag);
                            case java.sql.Timestamp time ->
                                json.addProperty(column, time.toInstant().toString());
                            default -> json.addProperty(column, value.toString());
                          }
                        });
                    rows.add(json);
                  });
          all.add(name, rows);
        });
    return Json.write(all);
  }
}

package io.steelyard.feed.page;

import io.steelyard.feed.evidence.ImportedNumber;
import io.steelyard.feed.evidence.LeaderboardRow;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The leaderboard.
 *
 * @param shell around it
 * @param rows the rows that are shown, sorted
 * @param imported numbers that others measured, sorted
 * @param tasks what one can filter by
 * @param data what one can filter by
 * @param metrics what one can filter by
 * @param chosen the filters in use, by name; missing ones are empty
 * @param sort column
 * @param descending direction
 */
public record LeaderboardPage(
    Shell shell,
    List<LeaderboardRow> rows,
    List<ImportedNumber> imported,
    List<String> tasks,
    List<String> data,
    List<String> metrics,
    Map<String, String> chosen,
    String sort,
    boolean descending) {

  /** The columns one can sort by. */
  public static final List<String> COLUMNS = List.of("task", "data", "method", "metric", "value");

  /** Path that sorts by a column, the other way round if it is the one in use. */
  public String sorted(String column) {
    final Map<String, String> query = new LinkedHashMap<>(chosen);
    query.put("sort", column);
    query.put("dir", column.equals(sort) && !descending ? "desc" : "asc");
    final List<String> parts = new ArrayList<>();
    query.forEach(
        (name, value) -> {
          if (!value.isEmpty()) {
            parts.add(name + "=" + Words.encoded(value));
          }
        });
    return "/leaderboard?" + String.join("&", parts);
  }

  /** What a screen reader says of a column. */
  public String direction(String column) {
    return column.equals(sort) ? (descending ? "descending" : "ascending") : "none";
  }
}

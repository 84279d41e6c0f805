package io.steelyard.feed.page;

/**
 * A change of a paper, asked for or made.
 *
 * @param id its number
 * @param path of the paper's page
 * @param title of the paper as HTML
 * @param part what of the paper
 * @param before what stood there
 * @param after what is to, or does since
 * @param by who wants it
 * @param day when that was
 * @param decider who made it, empty while it waits
 * @param decided when, empty while it waits
 * @param note why
 */
public record Change(
    long id,
    String path,
    String title,
    String part,
    String before,
    String after,
    String by,
    String day,
    String decider,
    String decided,
    String note) {}

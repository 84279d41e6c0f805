package io.steelyard.feed.page;

/**
 * A page that says one thing.
 *
 * @param shell around it
 * @param title what has happened
 * @param sentence more of it
 * @param status HTTP status
 */
public record NoticePage(Shell shell, String title, String sentence, int status) {}

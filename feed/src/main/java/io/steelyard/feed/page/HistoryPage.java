package io.steelyard.feed.page;

import java.util.List;

/**
 * What was corrected of a paper.
 *
 * @param shell around it
 * @param path of the paper's page
 * @param title of the paper as HTML
 * @param changes the newest first
 */
public record HistoryPage(Shell shell, String path, String title, List<Change> changes) {}

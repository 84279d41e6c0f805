/** Everything the site knows, in a file: open export, backup, restore. */
package io.steelyard.feed.archive;

/** The database: how it is opened, upgraded and spoken to. */
package io.steelyard.feed.database;

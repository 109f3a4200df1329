/**
 * What a chunk costs in S3 and in an item of DynamoDB, by the list prices of us-east-1, and from which size on S3 is the better place.
 *
 *                                   a million    in write units
 *     DynamoDB, write unit (1 KB)      $0.625              1
 *     DynamoDB, read unit (4 KB)       $0.125              0.2
 *     S3, PUT or LIST                  $5                  8
 *     S3, GET                          $0.40               0.64
 *     S3, DELETE                       nothing             0
 *
 * To replace a chunk of B KB:
 *
 *     in its item   B          an overwrite is charged by the larger of the two items
 *     in S3         1 + 8      the item that names it, and the PUT; the one before is deleted by its name
 *                       + 8    for the first sweep of a range in a process, which lists
 *
 * To read one: B/20 in its item, 0.8 in S3. So S3 is cheaper above 9 KB where processes live, above 17 KB where each replaces a chunk once. An answer
 * of S3 takes some 30 ms longer than one of DynamoDB, which costs a function of 1 GB $0.4 per million more, 0.64 units. From 32 KB on S3 costs between
 * a quarter and a half; a chunk just before it is split (96 KB) costs 96 units in its item and 9 to 17 in S3.
 */
export const S3_CHUNK_BYTES_MIN = 32 * 1024;

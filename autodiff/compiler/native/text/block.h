/* A block of R rows and N vectors of a product c = a @ b: its sums stay in registers. Of the last vector only the first
   LAST entries are stored. A row by itself (SPLIT > 1) is summed in several parts, since each sum waits for itself. */
#define BLOCK(NAME, T, LANES, R, N, LAST, SPLIT)                                                                      \
    static void NAME(long k, const T *a, long a_row, long a_column, const T *b, long b_row, T *c, long c_row) {       \
        typedef T V __attribute__((vector_size(sizeof(T) * LANES)));                                                  \
        typedef T U __attribute__((vector_size(sizeof(T) * LANES), aligned(sizeof(T)), may_alias));                   \
        V sum[SPLIT][R][N] = {{{{0}}}};                                                                               \
        long i = 0;                                                                                                   \
        for (; i + SPLIT <= k; i += SPLIT)                                                                            \
            for (int s = 0; s < SPLIT; s++, a += a_column, b += b_row) {                                              \
                V row[N];                                                                                             \
                for (int n = 0; n < N; n++) row[n] = *(const U *)(b + n * LANES);                                     \
                for (int r = 0; r < R; r++)                                                                           \
                    for (int n = 0; n < N; n++) sum[s][r][n] += a[r * a_row] * row[n];                                \
            }                                                                                                         \
        for (; i < k; i++, a += a_column, b += b_row)                                                                 \
            for (int r = 0; r < R; r++)                                                                               \
                for (int n = 0; n < N; n++) sum[0][r][n] += a[r * a_row] * *(const U *)(b + n * LANES);               \
        for (int r = 0; r < R; r++)                                                                                   \
            for (int n = 0; n < N; n++) {                                                                             \
                V total = sum[0][r][n];                                                                               \
                for (int s = 1; s < SPLIT; s++) total += sum[s][r][n];                                                \
                if (n == N - 1 && LAST < LANES)                                                                       \
                    memcpy(c + r * c_row + n * LANES, &total, LAST * sizeof(T));                                      \
                else                                                                                                  \
                    *(U *)(c + r * c_row + n * LANES) = total;                                                        \
            }                                                                                                         \
    }

-- PL/Proxy's side; the server `partitions` names the databases.
CREATE FUNCTION insert_order_proxied(p_user_id int, p_total_amount numeric, p_status varchar) RETURNS bigint
LANGUAGE plproxy AS $$
    CLUSTER 'partitions';
    RUN ON p_user_id;
$$;
CREATE FUNCTION get_orders_proxied(p_user_id int) RETURNS SETOF orders LANGUAGE plproxy AS $$
    CLUSTER 'partitions';
    RUN ON p_user_id;
$$;
